// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/geometry/matrix.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

/// @file
/// Perfect matchings between the rows and columns of a square matrix, for assignment and decomposition.

namespace mhc::detail {

/// A perfect matching, which is a permutation matrix: row i has its one in column p[i].
using matching = std::vector<int>;

/// Which pairs (row, column) may be matched, packed like the matrix. Not vector<bool>: read in inner loops.
using pairs = std::vector<char>;

/// The pairs whose entry `accepts`.
template <class F>
pairs pairs_where(std::vector<double> const& a, F&& accepts) {
  pairs allowed(a.size());
  std::transform(a.begin(), a.end(), allowed.begin(), [&](double x) { return static_cast<char>(accepts(x)); });
  return allowed;
}

/// Augmenting paths (H. W. Kuhn, 1955), O(n³).
class augmenting_paths {
 public:
  augmenting_paths(int n, pairs const& allowed) : n_(n), allowed_(allowed), row_of_(count(), -1), seen_(count()) {}

  /// A perfect matching, or an empty one if there is none.
  matching match() {
    for (int i = 0; i < n_; ++i) {
      std::fill(seen_.begin(), seen_.end(), char{0});
      if (!augment(i)) return {};
    }
    matching p(count());
    for (int j = 0; j < n_; ++j) p[index(row_of_[index(j)])] = j;
    return p;
  }

 private:
  static std::size_t index(int k) { return static_cast<std::size_t>(k); }
  std::size_t count() const { return index(n_); }

  bool augment(int row) {
    for (int j = 0; j < n_; ++j) {
      if (!allowed_[at(n_, row, j)] || seen_[index(j)]) continue;
      seen_[index(j)] = 1;
      if (row_of_[index(j)] >= 0 && !augment(row_of_[index(j)])) continue;
      row_of_[index(j)] = row;
      return true;
    }
    return false;
  }

  int n_;
  pairs const& allowed_;
  std::vector<int> row_of_;
  std::vector<char> seen_;
};

/// The lexicographically first perfect matching of the allowed pairs, from any other: O(n³).
///
/// Row by row: the rows below that can, by exchanging columns among themselves, free their own column and take the
/// column c of row i are found by a search backwards from c. Row i takes the first column that it or one of them has.
inline matching lexicographically_first(int n, pairs const& allowed, matching p) {
  auto const index = [](int k) { return static_cast<std::size_t>(k); };
  std::vector<int> takes(index(n));  // the row whose column this row takes over, −1: not reached
  std::vector<int> queue;
  for (int i = 0; i < n; ++i) {
    std::fill(takes.begin(), takes.end(), -1);
    queue.assign(1, i);
    takes[index(i)] = i;
    for (std::size_t head = 0; head < queue.size(); ++head)
      for (int k = i + 1; k < n; ++k) {
        if (takes[index(k)] >= 0 || !allowed[at(n, k, p[index(queue[head])])]) continue;
        takes[index(k)] = queue[head];
        queue.push_back(k);
      }
    int best = i;
    for (int const k : queue)
      if (p[index(k)] < p[index(best)] && allowed[at(n, i, p[index(k)])]) best = k;
    int const column = p[index(best)];
    for (int k = best; k != i; k = takes[index(k)]) p[index(k)] = p[index(takes[index(k)])];
    p[index(i)] = column;
  }
  return p;
}

}  // namespace mhc::detail
