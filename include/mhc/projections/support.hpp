// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/error.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/lane.hpp>

#include <cstddef>
#include <string>

/// @file
/// Logits of −infinity are zeros of every scaling diag(u) exp(Z) diag(v). One with row sums r and column sums c exists
/// if and only if some nonnegative matrix with these sums is positive exactly where exp(Z) is (M. Menon, H. Schneider,
/// Linear Algebra Appl. 2 (1969) 321–334). For r = c = 1 that is total support: every such entry lies on a permutation.

MHC_BEGIN_LANES

namespace mhc::detail {

/// Which entries of an N x N matrix are not masked, and a flow through them from the rows, which supply r, to the
/// columns, which take c.
template <int N>
class masked_flow {
 public:
  template <class Marginals>
  masked_flow(bool const (&open)[N][N], Marginals const& marginals) : open_(open) {
    for (int k = 0; k < N; ++k) {
      supply_[k] = marginals.template row<double>(k);
      demand_[k] = marginals.template column<double>(k);
      total_ += supply_[k];
    }
    while (augment()) {
    }
  }

  /// Are all of r and c met?
  bool is_complete() const {
    for (int k = 0; k < N; ++k)
      if (is_left(supply_[k]) || is_left(demand_[k])) return false;
    return true;
  }
  /// The first open entry of column j that cannot be positive, or N. An entry can be if it is, or if a cycle of changes
  /// leads back from its column to its row.
  int first_forced_row(int j) const {
    reach from;
    from.column[j] = true;
    from = spread(from);
    int i = 0;
    while (i < N && (!open_[i][j] || is_left(flow_[i][j]) || from.row[i])) ++i;
    return i;
  }

 private:
  struct reach {
    bool row[N] = {};
    bool column[N] = {};
    int row_before[N] = {};     ///< the row that column j was reached from
    int column_before[N] = {};  ///< the column that row i was reached from, −1 for a start
  };

  bool is_left(double amount) const { return amount > 1e-12 * total_; }

  /// What can be reached by adding flow from a row to a column, and by taking it back from a column to a row.
  reach spread(reach r) const {
    for (bool grown = true; grown;) {
      grown = false;
      for (int i = 0; i < N; ++i)
        for (int j = 0; j < N; ++j) {
          if (open_[i][j] && r.row[i] && !r.column[j]) grown = r.column[j] = true, r.row_before[j] = i;
          if (is_left(flow_[i][j]) && r.column[j] && !r.row[i]) grown = r.row[i] = true, r.column_before[i] = j;
        }
    }
    return r;
  }

  /// Sends as much as one path takes from a row with supply to a column with demand; false if there is none.
  bool augment() {
    reach start;
    for (int i = 0; i < N; ++i) start.row[i] = is_left(supply_[i]), start.column_before[i] = -1;
    auto const r = spread(start);
    for (int j = 0; j < N; ++j) {
      if (!r.column[j] || !is_left(demand_[j])) continue;
      double amount = demand_[j];
      int first = r.row_before[j];
      for (; r.column_before[first] >= 0; first = r.row_before[r.column_before[first]]) {
        double const back = flow_[first][r.column_before[first]];
        if (back < amount) amount = back;
      }
      if (supply_[first] < amount) amount = supply_[first];
      for (int column = j; column >= 0; column = r.column_before[r.row_before[column]]) {
        int const row = r.row_before[column];
        flow_[row][column] += amount;
        if (r.column_before[row] >= 0) flow_[row][r.column_before[row]] -= amount;
      }
      supply_[first] -= amount;
      demand_[j] -= amount;
      return true;
    }
    return false;
  }

  bool const (&open_)[N][N];
  double flow_[N][N] = {};
  double supply_[N];
  double demand_[N];
  double total_ = 0;
};

template <int N>
struct mask {
  bool open[N][N];
  bool operator==(mask const&) const = default;
};

template <int N, class T>
mask<N> mask_of_logits(T const* logits) {
  mask<N> m;
  for (int k = 0; k < N * N; ++k) m.open[k / N][k % N] = !math::less<T>(logits[k], T(-math::largest<T>));
  return m;
}

template <int N, class Marginals>
void require_scalable(char const* operation, Marginals const& marginals, mask<N> const& m, std::ptrdiff_t matrix) {
  auto const refuse = [&](std::string const& what) {
    throw scaling_error(std::string(operation) + ": logits of matrix " + std::to_string(matrix) + " " + what);
  };
  masked_flow<N> const flow(m.open, marginals);
  if (!flow.is_complete())
    refuse("are -infinity in so many places that no matrix with the wanted row and column sums is left");
  for (int j = 0; j < N; ++j) {
    int const i = flow.first_forced_row(j);
    if (i < N) {
      refuse("leave no scaling: their -infinities force entry (" + std::to_string(i) + ", " + std::to_string(j) +
             ") to be 0 too, so it has to be -infinity as well");
    }
  }
}

/// Throws unless in each of these matrices of N·N logits the −infinities leave a scaling with these marginals. A mask
/// that the matrices share is looked at once.
template <int N, class Marginals, class T>
void require_scalable(char const* operation, Marginals const& marginals, T const* logits, std::ptrdiff_t matrices) {
  mask<N> accepted;
  for (auto& row : accepted.open)
    for (bool& open : row) open = true;
  for (std::ptrdiff_t b = 0; b < matrices; ++b) {
    auto const m = mask_of_logits<N>(logits + b * N * N);
    if (m == accepted) continue;
    require_scalable(operation, marginals, m, b);
    accepted = m;
  }
}

}  // namespace mhc::detail

MHC_END_LANES
