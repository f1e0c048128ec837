// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/geometry/matrix.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <string>
#include <vector>

namespace mhc {

namespace detail {

/// Rotates columns p and q of an n x n matrix until they are orthogonal; returns whether they were not.
inline bool orthogonalise(int n, std::vector<double>& a, int p, int q) {
  double pp = 0, qq = 0, pq = 0;
  for (int i = 0; i < n; ++i) {
    double const x = a[at(n, i, p)], y = a[at(n, i, q)];
    pp += x * x;
    qq += y * y;
    pq += x * y;
  }
  if (!(std::abs(pq) > std::numeric_limits<double>::epsilon() * std::sqrt(pp * qq))) return false;
  double const zeta = (qq - pp) / (2 * pq);
  double const tangent = std::copysign(1 / (std::abs(zeta) + std::hypot(1.0, zeta)), zeta);
  double const cosine = 1 / std::hypot(1.0, tangent), sine = cosine * tangent;
  for (int i = 0; i < n; ++i) {
    double const x = a[at(n, i, p)], y = a[at(n, i, q)];
    a[at(n, i, p)] = cosine * x - sine * y;
    a[at(n, i, q)] = sine * x + cosine * y;
  }
  return true;
}

/// One-sided Jacobi (M. R. Hestenes, J. SIAM 6 (1958) 51–90), in descending order.
inline std::vector<double> singular_values_of(int n, std::vector<double> a) {
  constexpr int most_sweeps = 60;
  std::vector<double> values(static_cast<std::size_t>(n), std::numeric_limits<double>::quiet_NaN());
  if (!std::all_of(a.begin(), a.end(), [](double x) { return std::isfinite(x); })) return values;
  bool rotated = true;
  for (int sweep = 0; rotated && sweep < most_sweeps; ++sweep) {
    rotated = false;
    for (int p = 0; p < n; ++p)
      for (int q = p + 1; q < n; ++q) rotated = orthogonalise(n, a, p, q) || rotated;
  }
  for (int j = 0; j < n; ++j) {
    double square = 0;
    for (int i = 0; i < n; ++i) square += a[at(n, i, j)] * a[at(n, i, j)];
    values[static_cast<std::size_t>(j)] = std::sqrt(square);
  }
  std::sort(values.begin(), values.end(), std::greater<>{});
  return values;
}

}  // namespace detail

/// The singular values σ₁ ≥ … ≥ σ_n of a square matrix.
///
/// Shapes      matrix (n, n), in host memory.
/// Result      in double, to about n·eps·σ₁.
/// Memory      allocates n² doubles.
/// Non-finite  a NaN or infinity gives NaN.
///
/// @throws mhc::shape_error  the matrix is null, misaligned or empty
template <scalar T>
std::vector<double> singular_values(matrix_view<T> matrix) {
  detail::check_matrix("mhc::singular_values", "matrix", matrix);
  return detail::singular_values_of(matrix.order, detail::widened(matrix));
}

/// σ₂: how much of a difference between streams survives one mix, at most. On the polytope σ₁ = 1 belongs to the mean
/// of the streams, and ‖Px − x̄‖₂ ≤ σ₂ ‖x − x̄‖₂. 0 for n = 1.
///
/// @throws mhc::shape_error  the matrix is null, misaligned or empty
/// @see mhc::singular_values
template <scalar T>
double second_singular_value(matrix_view<T> matrix) {
  detail::check_matrix("mhc::second_singular_value", "matrix", matrix);
  if (matrix.order == 1) return 0;
  return detail::singular_values_of(matrix.order, detail::widened(matrix))[1];
}

/// Dobrushin's coefficient, ½ max_{i,k} Σ_j |P_ij − P_kj|: how much the mix contracts max x − min x, at most. 0 where
/// all rows are equal, 1 where two rows share no column.
///
/// Shapes      matrix (n, n) with rows that sum to 1, in host memory.
/// Result      in double.
/// Memory      no allocation.
/// Non-finite  a NaN gives NaN.
///
/// @throws mhc::shape_error  the matrix is null, misaligned or empty
/// @see R. L. Dobrushin, Theory Probab. Appl. 1 (1956) 65–80.
template <scalar T>
double dobrushin_coefficient(matrix_view<T> matrix) {
  detail::check_matrix("mhc::dobrushin_coefficient", "matrix", matrix);
  double worst = 0;
  for (int i = 0; i < matrix.order; ++i)
    for (int k = i; k < matrix.order; ++k) {
      double sum = 0;
      for (int j = 0; j < matrix.order; ++j)
        sum += std::abs(static_cast<double>(matrix(i, j)) - static_cast<double>(matrix(k, j)));
      if (!(sum <= 2 * worst)) worst = sum / 2;
      if (std::isnan(worst)) return worst;
    }
  return worst;
}

/// Largest order of `permanent`: 2²⁹ products take seconds.
inline constexpr int largest_permanent_order = 30;

/// The permanent Σ_σ Π_i M_{i,σ(i)}, by Ryser's formula: O(2ⁿ n).
///
/// In the form of Nijenhuis and Wilf, which halves the sums and their number: with x_i = M_in − ½ Σ_j M_ij,
/// per M = 2(−1)^{n−1} Σ_{S ⊆ {1…n−1}} (−1)^{|S|} Π_i (x_i + Σ_{j∈S} M_ij), subsets in Gray-code order.
///
/// Shapes      matrix (n, n), n ≤ 30, in host memory.
/// Result      in double; absolute error about n·eps times the product of the row sums of |M|, hence below 1e-13 on the
///             polytope, where the permanent lies between n!/nⁿ and 1.
/// Memory      allocates n doubles.
/// Non-finite  a NaN gives NaN.
///
/// @throws mhc::shape_error  the matrix is null, misaligned or empty, or n > 30
/// @see H. J. Ryser, Combinatorial Mathematics (1963); A. Nijenhuis, H. S. Wilf, Combinatorial Algorithms (1978),
///      chapter 23; G. P. Egorychev (1981) and D. I. Falikman (1981) for the lower bound.
template <scalar T>
double permanent(matrix_view<T> matrix) {
  detail::check_matrix("mhc::permanent", "matrix", matrix);
  int const n = matrix.order;
  if (n > largest_permanent_order) {
    detail::refuse("mhc::permanent", "matrix has order " + std::to_string(n) + ", expected at most " +
                                         std::to_string(largest_permanent_order));
  }
  std::vector<double> x(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    auto& xi = x[static_cast<std::size_t>(i)];
    xi = static_cast<double>(matrix(i, n - 1));
    for (int j = 0; j < n; ++j) xi -= static_cast<double>(matrix(i, j)) / 2;
  }
  auto const product = [&] { return std::accumulate(x.begin(), x.end(), 1.0, std::multiplies<>{}); };
  double sum = product();
  for (std::uint32_t k = 1; k < (std::uint32_t{1} << (n - 1)); ++k) {
    int const j = std::countr_zero(k);
    bool const enters = ((k ^ (k >> 1)) >> j & 1) != 0;
    for (int i = 0; i < n; ++i)
      x[static_cast<std::size_t>(i)] += enters ? static_cast<double>(matrix(i, j)) : -static_cast<double>(matrix(i, j));
    sum += k % 2 == 1 ? -product() : product();
  }
  return (n % 2 == 1 ? 2 : -2) * sum;
}

}  // namespace mhc
