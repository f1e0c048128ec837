// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/geometry/matching.hpp>
#include <mhc/geometry/matrix.hpp>
#include <mhc/geometry/membership.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <string>
#include <utility>
#include <vector>

namespace mhc {

/// One term weight · permutation of a Birkhoff–von Neumann decomposition; row i has its one in column columns[i].
struct weighted_permutation {
  double weight;
  std::vector<int> columns;
};

/// A convex combination of permutations. Weights are positive, sum to 1 and do not increase.
struct birkhoff_decomposition {
  int order = 0;
  std::vector<weighted_permutation> terms;
  double remainder = 0;  ///< the weight that was left over, before the weights were scaled to sum to 1
};

/// How far to decompose.
struct decomposition_options {
  int max_terms = 0;     ///< 0: as many as it takes, at most (n−1)² + 1
  double tolerance = 0;  ///< marginal error admitted, and entries taken for 0; 0 stands for 4·n·eps of the element type
};

namespace detail {

inline double smallest_selected(int n, std::vector<double> const& a, matching const& p) {
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < n; ++i) least = std::min(least, a[at(n, i, p[static_cast<std::size_t>(i)])]);
  return least;
}

/// Over all n! permutations, in lexicographic order; ties go to the first.
inline matching bottleneck_by_enumeration(int n, std::vector<double> const& a) {
  matching p(static_cast<std::size_t>(n));
  std::iota(p.begin(), p.end(), 0);
  matching best = p;
  double most = smallest_selected(n, a, p);
  while (std::next_permutation(p.begin(), p.end())) {
    double const least = smallest_selected(n, a, p);
    if (!(least > most)) continue;
    most = least;
    best = p;
  }
  return best;
}

/// The largest entry such that the entries not below it hold a perfect matching, by bisection of the sorted entries.
inline matching bottleneck_by_matching(int n, std::vector<double> const& a) {
  auto sorted = a;
  std::sort(sorted.begin(), sorted.end());
  sorted.erase(std::unique(sorted.begin(), sorted.end()), sorted.end());
  auto const match = [&](double threshold) {
    auto const allowed = pairs_where(a, [&](double x) { return x >= threshold; });
    auto p = augmenting_paths(n, allowed).match();
    return p.empty() ? p : lexicographically_first(n, allowed, p);
  };
  std::size_t low = 0, high = sorted.size();  // sorted[low] has a matching, sorted[high] has none
  auto best = match(sorted[low]);
  while (high - low > 1) {
    std::size_t const middle = low + (high - low) / 2;
    if (auto p = match(sorted[middle]); p.empty()) {
      high = middle;
    } else {
      low = middle;
      best = std::move(p);
    }
  }
  return best;
}

inline matching bottleneck(int n, std::vector<double> const& a) {
  return n <= 4 ? bottleneck_by_enumeration(n, a) : bottleneck_by_matching(n, a);
}

inline void check_options(decomposition_options const& options, int n) {
  check_tolerance("mhc::decompose", options.tolerance);
  if (options.max_terms < 0) {
    throw option_error("mhc::decompose: max_terms is " + std::to_string(options.max_terms) + ", expected 0 or more");
  }
  // below this, rows and columns within the tolerance of 1 leave a permutation with larger entries (König's theorem)
  double const limit = 1.0 / (static_cast<double>(n) * (n + 2));
  if (options.tolerance < limit) return;
  throw option_error("mhc::decompose: tolerance is " + number(options.tolerance) +
                     ", expected less than 1/(n(n + 2)) = " + number(limit));
}

}  // namespace detail

/// The permutation whose smallest selected entry is largest, argmax_σ min_i M_{i,σ(i)}: bottleneck assignment.
///
/// Shapes      matrix (n, n), in host memory.
/// Result      exact; ties go to the lexicographically first. On a doubly stochastic matrix that entry is at least
///             1/⌊(n+1)²/4⌋.
/// Memory      allocates a few n². n ≤ 4 enumerates the permutations; above, O(n³ log n).
///
/// @throws mhc::shape_error       the matrix is null, misaligned or empty
/// @throws mhc::membership_error  an entry is NaN or infinite
/// @see M. Marcus, R. Ree, Q. J. Math. 10 (1959) 296–302 for the bound.
template <scalar T>
std::vector<int> bottleneck_permutation(matrix_view<T> matrix) {
  detail::check_matrix("mhc::bottleneck_permutation", "matrix", matrix);
  detail::require_member(
      "mhc::bottleneck_permutation", "matrix",
      detail::check_entries(matrix, "a finite number", 0, [](double x) { return std::isfinite(x); }));
  return detail::bottleneck(matrix.order, detail::widened(matrix));
}

/// Birkhoff–von Neumann: a doubly stochastic matrix as a convex combination of permutations, Σ_k w_k Π_k.
///
/// Greedy: the permutation whose smallest entry is largest is taken with that entry as its weight, and subtracted,
/// until no permutation of entries above the tolerance is left or max_terms is reached. Every permutation has an entry
/// that no later one has, so they are linearly independent and at most (n−1)² + 1.
///
/// Shapes      plan (n, n), in host memory.
/// Result      computed in double. Untruncated, the remainder is at most ⌊(n+1)²/4⌋ tolerances and the marginal error
///             of the plan; the reconstruction is doubly stochastic to rounding in any case.
/// Memory      allocates the result and a few n².
///
/// @throws mhc::shape_error       the plan is null, misaligned or empty
/// @throws mhc::option_error      max_terms is negative, or the tolerance not in [0, 1/(n(n+2)))
/// @throws mhc::membership_error  the plan is not in the polytope within the tolerance; its words say where
/// @see G. Birkhoff, Univ. Nac. Tucumán Rev. A 5 (1946) 147–151; M. Marcus, R. Ree (1959) for the number of terms;
///      F. Dufossé, B. Uçar, Linear Algebra Appl. 497 (2016) 108–115 for the greedy choice.
template <scalar T>
birkhoff_decomposition decompose(matrix_view<T> plan, decomposition_options const& options = {}) {
  detail::check_matrix("mhc::decompose", "plan", plan);
  detail::check_options(options, plan.order);
  detail::require_member("mhc::decompose", "plan", in_polytope(plan, options.tolerance));
  int const n = plan.order;
  double const zero = options.tolerance > 0 ? options.tolerance : detail::rounding_tolerance<T>(n);
  birkhoff_decomposition d{n, {}, 1};
  auto rest = detail::widened(plan);
  double total = 0;
  while (options.max_terms == 0 || d.terms.size() < static_cast<std::size_t>(options.max_terms)) {
    auto p = detail::bottleneck(n, rest);
    double const weight = detail::smallest_selected(n, rest, p);
    if (weight <= zero) break;
    for (int i = 0; i < n; ++i) rest[detail::at(n, i, p[static_cast<std::size_t>(i)])] -= weight;
    total += weight;
    d.terms.push_back({weight, std::move(p)});
  }
  for (auto& term : d.terms) term.weight /= total;
  d.remainder = 1 - total;
  return d;
}

/// Σ_k w_k Π_k, the inverse of `decompose`.
///
/// Shapes      plan (n, n), in host memory; n is the order of the decomposition.
///
/// @throws mhc::shape_error  the plan is null, misaligned or of another order; nothing is written
template <scalar T>
void reconstruct(birkhoff_decomposition const& decomposition, matrix_view<T> plan) {
  detail::check_matrix("mhc::reconstruct", "plan", plan);
  if (plan.order != decomposition.order) {
    detail::refuse("mhc::reconstruct", "plan has order " + std::to_string(plan.order) + ", expected " +
                                           std::to_string(decomposition.order));
  }
  int const n = plan.order;
  std::vector<double> sum(static_cast<std::size_t>(n) * static_cast<std::size_t>(n));
  for (auto const& [weight, columns] : decomposition.terms)
    for (int i = 0; i < n; ++i) sum[detail::at(n, i, columns[static_cast<std::size_t>(i)])] += weight;
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) plan(i, j) = static_cast<T>(sum[detail::at(n, i, j)]);
}

}  // namespace mhc
