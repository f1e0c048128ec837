// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/error.hpp>
#include <mhc/math/laplacian.hpp>
#include <mhc/math/marginals.hpp>
#include <mhc/math/newton.hpp>
#include <mhc/projections/matrix_logits.hpp>
#include <mhc/projections/solver.hpp>
#include <mhc/projections/support.hpp>

#include <cstddef>
#include <type_traits>

MHC_BEGIN_LANES

namespace mhc {

/// The exact entropic projection: the P = diag(u) exp(Z) diag(v) with the wanted marginals, which is the matrix with
/// these marginals nearest to exp(Z) in Kullback–Leibler divergence and the limit of `sinkhorn`. By a globally
/// convergent Newton method, one to a few steps where Sinkhorn's iteration needs thousands; order 2 in closed form.
///
/// Its derivative is the implicit one, symmetric, and reads the plan alone.
///
/// Logits of −infinity are zeros of the plan. They have to leave a scaling: every other entry must be positive in some
/// matrix with these marginals (for unit marginals, lie on a permutation). `project` refuses a batch in which they do
/// not; inside a connection, where logits are made on the way, such a matrix tends to a limit and does not converge.
///
/// @see mhc::project with a report, for the marginal error that each matrix has reached.
template <class Marginals>
struct basic_entropic {
  double tolerance = 0;      ///< on |column sum − c| / max c; below N·eps of the element type it counts as that
  int max_iterations = 200;  ///< Newton steps, at least 1; float has as many again in double where they do not suffice
  Marginals marginals = {};

  template <int N>
  static constexpr int logits = N * N;
  template <int N>
  static constexpr bool iterates = N > 2;

  template <int N, class V>
    requires(Marginals::template fits<N>)
  MHC_HD math::tile<V, N> apply(math::vec<V, N * N> const& z) const {
    return solve<N>(z).plan;
  }

  /// The plan together with the number of Newton steps and whether they sufficed.
  template <int N, class V>
  MHC_HD math::newton_result<V, N> solve(math::vec<V, N * N> const& z) const {
    auto const matrix = detail::as_matrix<N>(z);
    if constexpr (N == 2 && std::is_same_v<Marginals, math::unit_marginals>) {
      return math::entropic_projection(matrix);
    } else {
      auto const bound = tolerance_for<N, V>();
      auto result = math::entropic_projection(marginals, matrix, bound, max_iterations);
      detail::promote(matrix, result, [&](math::tile<double, N> const& wide) {
        return math::entropic_projection(marginals, wide, static_cast<double>(bound), max_iterations);
      });
      return result;
    }
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

  /// The vjp of `vjp`.
  template <class V, int N>
  MHC_HD math::second_vjp<V, N> vjp_vjp(math::vec<V, N * N> const&, math::tile<V, N> const& plan,
                                        math::tile<V, N> const& plan_gradient,
                                        math::vec<V, N * N> const& cotangent) const {
    return math::implicit_second_vjp(plan, plan_gradient, detail::as_matrix<N>(cotangent));
  }

  void validate(char const* operation) const {
    detail::require_solver_options(operation, "entropic", tolerance, max_iterations);
    marginals.validate(operation, "entropic");
  }

  /// @throws mhc::scaling_error  the −infinities of one of these matrices of logits leave no scaling
  template <int N, class T>
  void require_scalable(char const* operation, T const* matrix_logits, std::ptrdiff_t matrices) const {
    detail::require_scalable<N>(operation, marginals, matrix_logits, matrices);
  }

 private:
  template <int N, class V>
  MHC_HD math::scalar_of<V> tolerance_for() const {
    using T = math::scalar_of<V>;
    T const wanted = static_cast<T>(tolerance), rounding = static_cast<T>(N) * math::epsilon<V>;
    return marginals.template largest<V>() * (wanted > rounding ? wanted : rounding);
  }
};

/// Onto the Birkhoff polytope: every row and column sums to 1.
using entropic = basic_entropic<math::unit_marginals>;

/// Onto the matrices with row sums r and column sums c: entropic_with_marginals<2>{.marginals = {.r = {1, 3}, .c = {2, 2}}}.
/// r and c are positive and have the same sum.
template <int N>
using entropic_with_marginals = basic_entropic<math::given_marginals<N>>;

}  // namespace mhc

MHC_END_LANES
