// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/euclidean.hpp>
#include <mhc/projections/matrix_logits.hpp>
#include <mhc/projections/solver.hpp>

#include <cmath>
#include <type_traits>

MHC_BEGIN_LANES

namespace mhc {

/// The doubly stochastic matrix nearest to Z in the Frobenius norm: P = max(0, Z + a⊕b). Sparse: entries that the
/// nearest matrix does not need are exactly 0, and their logits have no gradient. Idempotent and nonexpansive. By a
/// globally convergent semismooth Newton method.
///
/// Its derivative is Ω∘(G − α⊕β) with Ω the pattern of P > 0: symmetric, and reads the plan alone. Where an entry is on
/// the point of leaving 0 it is one of the two one-sided derivatives.
///
/// Shapes  logits (B, N·N).
/// Result  doubly stochastic to rounding.
/// Range   any finite logits.
///
/// @see X. Li, D. Sun, K.-C. Toh, arXiv:1702.05934
/// @see mhc::marginal_error for how doubly stochastic a plan has become.
struct euclidean {
  double tolerance = 0;      ///< on |column sum − 1|; less than 2N·eps of the element type counts as that
  int max_iterations = 200;  ///< Newton steps, at least 1; float has as many again in double where they do not suffice

  template <int N>
  static constexpr int logits = N * N;

  template <int N, class V>
  MHC_HD math::tile<V, N> apply(math::vec<V, N * N> const& z) const {
    return solve<N>(z).plan;
  }

  /// The plan together with the number of Newton steps and whether they sufficed.
  template <int N, class V>
  MHC_HD math::newton_result<V, N> solve(math::vec<V, N * N> const& z) const {
    using T = math::scalar_of<V>;
    auto const matrix = detail::as_matrix<N>(z);
    constexpr T rounding = static_cast<T>(2 * N) * math::epsilon<V>;
    T const bound = tolerance > rounding ? static_cast<T>(tolerance) : rounding;
    T const resolution = std::is_same_v<T, float> ? 0 : rounding;  // float has double to turn to
    auto result = math::euclidean_projection(matrix, bound, resolution, max_iterations);
    detail::promote(matrix, result, [&](math::tile<double, N> const& wide) {
      return math::euclidean_projection(wide, static_cast<double>(bound), 2 * N * math::epsilon<double>,
                                        max_iterations);
    });
    return result;
  }

  template <class V, int N>
  MHC_HD math::vec<V, N * N> vjp(math::vec<V, N * N> const&, math::tile<V, N> const& plan,
                                 math::tile<V, N> const& plan_gradient) const {
    return detail::as_logits(math::euclidean_derivative(plan, plan_gradient));
  }

  template <class V, int N>
  MHC_HD math::tile<V, N> jvp(math::vec<V, N * N> const&, math::tile<V, N> const& plan,
                              math::vec<V, N * N> const& tangent) const {
    return math::euclidean_derivative(plan, detail::as_matrix<N>(tangent));
  }

  /// Logits that start near the identity, the further the larger `diagonal` is: see mhc::initialise.
  /// A doubly stochastic matrix with no zeros: at the identity itself no entry off the diagonal would have a gradient.
  template <int N, class T>
  static void start(T diagonal, T* z) {
    T const other = std::exp(-diagonal) / (T(1) + T(N - 1) * std::exp(-diagonal));
    for (int k = 0; k < N * N; ++k) z[k] = k % (N + 1) == 0 ? T(1) - T(N - 1) * other : other;
  }

  void validate(char const* operation) const {
    detail::require_solver_options(operation, "euclidean", tolerance, max_iterations);
  }
};

}  // namespace mhc

MHC_END_LANES
