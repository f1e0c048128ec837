// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/geometry/matching.hpp>
#include <mhc/geometry/matrix.hpp>
#include <mhc/geometry/membership.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mhc {

/// A permutation matrix, as the column of the one in each row, and the sum of the entries that it selects.
struct assignment {
  std::vector<int> columns;
  double value;
};

namespace detail {

/// Dual potentials of the linear assignment problem: u_i + v_j ≤ cost_ij, with equality on an optimal matching.
struct assignment_duals {
  std::vector<double> u, v;
  std::vector<int> row_of;
};

/// Shortest augmenting paths, one row after another (R. Jonker, A. Volgenant, Computing 38 (1987) 325–340), O(n³).
/// Index n stands for a column outside the matrix that a path starts from.
inline assignment_duals solve_assignment(int n, std::vector<double> const& cost) {
  auto const index = [](int k) { return static_cast<std::size_t>(k); };
  assignment_duals d{std::vector<double>(index(n)), std::vector<double>(index(n) + 1),
                     std::vector<int>(index(n) + 1, -1)};
  std::vector<double> distance(index(n));
  std::vector<int> previous(index(n));
  std::vector<char> done(index(n) + 1);
  for (int row = 0; row < n; ++row) {
    std::fill(distance.begin(), distance.end(), std::numeric_limits<double>::infinity());
    std::fill(done.begin(), done.end(), char{0});
    d.row_of[index(n)] = row;
    int column = n;
    do {  // Dijkstra over columns, by reduced cost
      done[index(column)] = 1;
      int const i = d.row_of[index(column)];
      int nearest = -1;
      for (int j = 0; j < n; ++j) {
        if (done[index(j)]) continue;
        double const reduced = cost[at(n, i, j)] - d.u[index(i)] - d.v[index(j)];
        if (reduced < distance[index(j)]) {
          distance[index(j)] = reduced;
          previous[index(j)] = column;
        }
        if (nearest < 0 || distance[index(j)] < distance[index(nearest)]) nearest = j;
      }
      double const step = distance[index(nearest)];
      for (int j = 0; j <= n; ++j) {
        if (done[index(j)]) {
          d.u[index(d.row_of[index(j)])] += step;
          d.v[index(j)] -= step;
        } else {
          distance[index(j)] -= step;
        }
      }
      column = nearest;
    } while (d.row_of[index(column)] >= 0);
    for (; column != n; column = previous[index(column)])
      d.row_of[index(column)] = d.row_of[index(previous[index(column)])];
  }
  return d;
}

inline double selected_sum(int n, std::vector<double> const& a, matching const& p) {
  double sum = 0;
  for (int i = 0; i < n; ++i) sum += a[at(n, i, p[static_cast<std::size_t>(i)])];
  return sum;
}

inline void check_permutation(std::string_view operation, std::span<int const> columns, int n) {
  if (columns.size() != static_cast<std::size_t>(n)) {
    refuse(operation, "columns has " + std::to_string(columns.size()) + " entries, expected " + std::to_string(n));
  }
  std::vector<char> taken(columns.size());
  for (int const j : columns) {
    if (j < 0 || j >= n || taken[static_cast<std::size_t>(j)]) {
      refuse(operation,
             "columns has " + std::to_string(j) + ", expected each of 0 to " + std::to_string(n - 1) + " once");
    }
    taken[static_cast<std::size_t>(j)] = 1;
  }
}

}  // namespace detail

/// The permutation nearest to the matrix in Frobenius norm, argmax_σ Σ_i M_{i,σ(i)}: linear assignment in O(n³).
///
/// Shapes      matrix (n, n), in host memory.
/// Result      computed in double. Ties: of all permutations whose sums equal the largest up to the rounding of the
///             sums (4·n·eps of double times the largest entry per row), the lexicographically first.
/// Range       any finite matrix, doubly stochastic or not.
/// Memory      allocates a few n².
///
/// @throws mhc::shape_error       the matrix is null, misaligned or empty
/// @throws mhc::membership_error  an entry is NaN or infinite
/// @see H. W. Kuhn, Nav. Res. Logist. Q. 2 (1955) 83–97.
/// @see mhc::bottleneck_permutation, which maximises the smallest selected entry instead.
template <scalar T>
assignment nearest_permutation(matrix_view<T> matrix) {
  detail::check_matrix("mhc::nearest_permutation", "matrix", matrix);
  double largest = 0;
  detail::require_member("mhc::nearest_permutation", "matrix",
                         detail::check_entries(matrix, "a finite number", 0, [&](double x) {
                           largest = std::max(largest, std::abs(x));
                           return std::isfinite(x);
                         }));
  int const n = matrix.order;
  auto const a = detail::widened(matrix);
  auto cost = a;
  for (auto& x : cost) x = -x;
  auto const d = detail::solve_assignment(n, cost);
  // a pair is part of an optimal permutation only if its reduced cost is 0
  double const rounding = detail::rounding_tolerance<double>(n) * largest;
  detail::pairs tight(a.size());
  detail::matching p(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) {
      auto const row = static_cast<std::size_t>(i), column = static_cast<std::size_t>(j);
      if (d.row_of[column] == i) p[row] = j;
      bool const optimal = d.row_of[column] == i || cost[detail::at(n, i, j)] - d.u[row] - d.v[column] <= rounding;
      tight[detail::at(n, i, j)] = static_cast<char>(optimal);
    }
  p = detail::lexicographically_first(n, tight, p);
  return {p, detail::selected_sum(n, a, p)};
}

/// The permutation matrix with 1 in the entries (i, columns[i]), and 0 elsewhere.
///
/// Shapes      columns (n), matrix (n, n), in host memory.
/// Memory      allocates n bytes.
///
/// @throws mhc::shape_error  the sizes differ, the matrix is null or misaligned, or a column is not named exactly once;
///                           nothing is written
template <scalar T>
void permutation_matrix(std::span<int const> columns, matrix_view<T> matrix) {
  detail::check_matrix("mhc::permutation_matrix", "matrix", matrix);
  detail::check_permutation("mhc::permutation_matrix", columns, matrix.order);
  for (int i = 0; i < matrix.order; ++i)
    for (int j = 0; j < matrix.order; ++j) matrix(i, j) = T(columns[static_cast<std::size_t>(i)] == j ? 1 : 0);
}

}  // namespace mhc
