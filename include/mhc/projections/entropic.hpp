// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/error.hpp>
#include <mhc/math/laplacian.hpp>
#include <mhc/math/newton.hpp>
#include <mhc/projections/matrix_logits.hpp>

#include <string>
#include <type_traits>

namespace mhc {

/// The exact entropic projection: the doubly stochastic P = diag(u) exp(Z) diag(v), which is the doubly stochastic
/// matrix nearest to exp(Z) in Kullback–Leibler divergence and the limit of `sinkhorn`. By a globally convergent
/// Newton method, one to a few steps where Sinkhorn's iteration needs thousands.
///
/// Its derivative is the implicit one, symmetric, and reads the plan alone.
///
/// @see mhc::marginal_error for how doubly stochastic a plan has become.
struct entropic {
  double tolerance = 0;      ///< on |column sum − 1|; 0 stands for the rounding error N·eps of the element type
  int max_iterations = 200;  ///< Newton steps; at least 1

  template <int N>
  static constexpr int logits = N * N;

  template <int N, class V>
  MHC_HD math::tile<V, N> apply(math::vec<V, N * N> const& z) const {
    return solve<N>(z).plan;
  }

  /// The plan together with the number of Newton steps and whether they sufficed.
  template <int N, class V>
  MHC_HD math::newton_result<V, N> solve(math::vec<V, N * N> const& z) const {
    auto result = math::entropic_projection(math::unit_marginals{}, detail::as_matrix<N>(z), tolerance_for<N, V>(),
                                            max_iterations);
    if constexpr (std::is_same_v<math::scalar_of<V>, float>) promote(z, result);
    return result;
  }

  template <class V, int N>
  MHC_HD math::vec<V, N * N> vjp(math::vec<V, N * N> const&, math::tile<V, N> const& plan,
                                 math::tile<V, N> const& plan_gradient) const {
    return detail::as_logits(math::implicit_derivative(plan, plan_gradient));
  }

  template <class V, int N>
  MHC_HD math::tile<V, N> jvp(math::vec<V, N * N> const&, math::tile<V, N> const& plan,
                              math::vec<V, N * N> const& tangent) const {
    return math::implicit_derivative(plan, detail::as_matrix<N>(tangent));
  }

  void validate(char const* operation) const {
    if (!(tolerance >= 0)) {
      throw option_error(std::string(operation) + ": entropic.tolerance is " + std::to_string(tolerance) +
                         ", expected 0 or more");
    }
    if (max_iterations < 1) {
      throw option_error(std::string(operation) + ": entropic.max_iterations is " + std::to_string(max_iterations) +
                         ", expected 1 or more");
    }
  }

 private:
  template <int N, class V>
  MHC_HD math::scalar_of<V> tolerance_for() const {
    using T = math::scalar_of<V>;
    return tolerance > 0 ? static_cast<T>(tolerance) : static_cast<T>(N) * math::epsilon<V>;
  }

  /// What float cannot resolve (a lane that has not converged) is solved again in double, and rounded once.
  template <int N, class V>
  MHC_HD void promote(math::vec<V, N * N> const& z, math::newton_result<V, N>& result) const {
    using lane = math::lane<V>;
    if (!lane::any(math::less<V>(result.converged, V(1)))) return;
    for (int w = 0; w < lane::count; ++w) {
      if (lane::get(result.converged, w) == 1) continue;
      math::tile<double, N> logits_matrix;
      for (int k = 0; k < N * N; ++k) logits_matrix[k] = static_cast<double>(lane::get(z[k], w));
      auto const exact = math::entropic_projection(math::unit_marginals{}, logits_matrix,
                                                   static_cast<double>(tolerance_for<N, V>()), max_iterations);
      for (int k = 0; k < N * N; ++k) lane::set(result.plan[k], w, static_cast<float>(exact.plan[k]));
      lane::set(result.steps, w, lane::get(result.steps, w) + static_cast<float>(exact.steps));
      lane::set(result.converged, w, static_cast<float>(exact.converged));
    }
  }
};

}  // namespace mhc
