// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/error.hpp>
#include <mhc/math/laplacian.hpp>
#include <mhc/projections/convention.hpp>
#include <mhc/projections/gradient.hpp>
#include <mhc/projections/matrix_logits.hpp>

#include <string>
#include <type_traits>
#include <utility>

MHC_BEGIN_LANES

namespace mhc {

/// A fixed number of Sinkhorn–Knopp iterations, in the given convention. Rows of the plan sum to 1 up to rounding;
/// columns up to the truncation error, which decays geometrically, slowly for widely spread logits.
///
/// @tparam Convention  which published iteration: convention::paper, convention::deepseek_v4, convention::megatron, convention::log_domain
/// @see R. Sinkhorn, P. Knopp, Pacific J. Math. 21 (1967) 343–348; mHC, arXiv:2512.24880, eq. 9.
/// @see mhc::entropic for the limit of the iteration, exactly.
template <class Convention = convention::paper>
struct sinkhorn {
  int iterations = 20;  ///< 1 to 1024
  mhc::gradient gradient = mhc::gradient::unrolled;
  Convention convention = {};  ///< its own options: epsilon, temperature

  template <int N>
  static constexpr int logits = N * N;
  template <int N>
  static constexpr bool iterates = N > 1;

  template <int N, class V>
  MHC_HD math::tile<V, N> apply(math::vec<V, N * N> const& z) const {
    auto const length = Convention::length(iterations);
    auto const run = [&](auto const& scheme, auto const& kernel) { return math::sinkhorn(scheme, kernel, length); };
    using plan = math::tile<V, N>;
    if constexpr (std::is_reference_v<decltype(Convention::orient(std::declval<plan const&>()))>)
      return convention.run(detail::as_matrix<N>(z), run);  // without a copy
    else
      return Convention::orient(convention.run(detail::as_matrix<N>(z), run));
  }

  template <class V, int N>
  MHC_HD math::vec<V, N * N> vjp(math::vec<V, N * N> const& z, math::tile<V, N> const& plan,
                                 math::tile<V, N> const& plan_gradient) const {
    auto const logits_matrix = detail::as_matrix<N>(z);
    math::tile<V, N> const g = Convention::orient(plan_gradient);
    auto const kernel_gradient =
        derivative<V, N>(Convention::orient(plan), g, [&] { return unrolled_kernel_vjp(logits_matrix, g); });
    return detail::as_logits<V, N>(convention.pull(logits_matrix, kernel_gradient));
  }

  /// `vjp` by the iteration's own derivative alone, which does not read the plan.
  template <class V, int N>
  MHC_HD math::vec<V, N * N> unrolled_vjp(math::vec<V, N * N> const& z, math::tile<V, N> const& plan_gradient) const {
    auto const logits_matrix = detail::as_matrix<N>(z);
    return detail::as_logits<V, N>(
        convention.pull(logits_matrix, unrolled_kernel_vjp(logits_matrix, Convention::orient(plan_gradient))));
  }

  /// `vjp` by the implicit derivative alone; of the logits it reads what the convention's own map asks for.
  template <class V, int N>
  MHC_HD math::vec<V, N * N> implicit_vjp(math::vec<V, N * N> const& z, math::tile<V, N> const& plan,
                                          math::tile<V, N> const& plan_gradient) const {
    return detail::as_logits<V, N>(
        convention.pull(detail::as_matrix<N>(z),
                        math::implicit_derivative(Convention::orient(plan), Convention::orient(plan_gradient))));
  }

  template <class V, int N>
  MHC_HD math::tile<V, N> jvp(math::vec<V, N * N> const& z, math::tile<V, N> const& plan,
                              math::vec<V, N * N> const& tangent) const {
    auto const length = Convention::length(iterations);
    auto const logits_matrix = detail::as_matrix<N>(z);
    math::tile<V, N> const d = convention.push(logits_matrix, detail::as_matrix<N>(tangent));
    auto const unrolled = [&] {
      return convention.run(logits_matrix, [&](auto const& scheme, auto const& kernel) {
        return math::sinkhorn_jvp(scheme, kernel, length, d);
      });
    };
    return Convention::orient(derivative<V, N>(Convention::orient(plan), d, unrolled));
  }

  /// Do these logits take the convention's fast way?
  template <int N, class V>
    requires requires(Convention const c, math::tile<V, N> const m) { c.is_narrow(m); }
  MHC_HD bool is_narrow(math::vec<V, N * N> const& z) const {
    return convention.is_narrow(detail::as_matrix<N>(z));
  }

  void validate(char const* operation) const {
    if constexpr (requires { convention.validate(operation); }) convention.validate(operation);
    if (iterations < 1 || iterations > math::sinkhorn_vjp_rounds) {
      throw option_error(std::string(operation) + ": sinkhorn.iterations is " + std::to_string(iterations) +
                         ", expected 1 to " + std::to_string(math::sinkhorn_vjp_rounds));
    }
  }

 private:
  /// From ∂loss/∂P, as the iteration sees it, to ∂loss/∂log K.
  template <class V, int N>
  MHC_HD math::tile<V, N> unrolled_kernel_vjp(math::tile<V, N> const& logits_matrix, math::tile<V, N> const& g) const {
    return convention.run(logits_matrix, [&](auto const& scheme, auto const& kernel) {
      return math::sinkhorn_vjp(scheme, kernel, Convention::length(iterations), g);
    });
  }

  /// The derivative of log K -> P applied to x, which the unrolled one has taken in already. The implicit one is
  /// symmetric, so one text serves vjp and jvp.
  template <class V, int N, class F>
  MHC_HD math::tile<V, N> derivative(math::tile<V, N> const& plan, math::tile<V, N> const& x, F const& unrolled) const {
    if (gradient == mhc::gradient::unrolled) return unrolled();
    auto result = math::implicit_derivative(plan, x);
    if (gradient == mhc::gradient::implicit) return result;
    auto const truncated = math::less<V>(V(16 * N * math::epsilon<V>), math::marginal_error(plan));
    if (math::lane<V>::any(truncated)) math::assign_where(truncated, result, unrolled());
    return result;
  }
};

}  // namespace mhc

MHC_END_LANES
