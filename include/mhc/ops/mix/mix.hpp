// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/mix/sequential.hpp>
#include <mhc/ops/mix/types.hpp>

#if defined(__CUDACC__)
#  include <mhc/ops/mix/cuda.cuh>
#else
#  include <mhc/ops/mix/simd.hpp>
#endif

#include <type_traits>

namespace mhc {

namespace detail {

template <class Policy, class... Args>
void mix_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>, "mhc::mix: no backend for this execution policy in this translation unit");
}
template <class Policy, class... Args>
void mix_vjp_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>, "mhc::mix_vjp: no backend for this execution policy in this translation unit");
}

}  // namespace detail

/// The streams after a layer: x' = H_res x + H_postᵀ y, x'_ic = Σ_j H_ij x_jc + h_i y_c.
///
/// Shapes      h_res (B, N, N), h_post (B, N), x, x_next (B, N, C), y (B, C). x, y and x_next of one element; of bfloat16
///             or half, the coefficients are of float.
/// Result      overwritten; exact up to the rounding of an (N+1)-term sum. x_next of 16 bits is the sum in float, rounded
///             once.
/// Aliasing    x_next may be x (in place); other overlap is refused.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  stays in its own token.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
/// @see mHC, arXiv:2512.24880, eq. 3.
/// @see mhc::mix_vjp for the gradients.
template <execution_policy Policy, element U, int N, element S = std::remove_const_t<U>, scalar T = coefficient_t<S>>
void mix(Policy const& policy, std::type_identity_t<batch_view<T const, N>> h_res,
         std::type_identity_t<vector_view<T const, N>> h_post, stream_view<U, N> x,
         std::type_identity_t<token_view<S const>> y, std::type_identity_t<stream_view<S, N>> x_next) {
  detail::check("mhc::mix", {detail::reads("x", x), detail::reads("h_res", h_res), detail::reads("h_post", h_post),
                             detail::reads("y", y), detail::writes("x_next", x_next).in_place_of("x")});
  using detail::mix_impl;
  mix_impl(policy, h_res, h_post, stream_view<S const, N>(x), y, x_next);
}

/// Gradients of `mix` from g = ∂loss/∂x': ∂/∂H_ij = Σ_c g_ic x_jc, ∂/∂h_i = Σ_c g_ic y_c, ∂/∂x_jc = Σ_i H_ij g_ic,
/// ∂/∂y_c = Σ_i h_i g_ic.
///
/// Shapes      as for `mix`; every gradient has the shape and the element of its tensor.
/// Result      overwritten, but x_gradient with update::accumulate is added to; each rounded once.
/// Aliasing    x_gradient may be x_next_gradient when it is overwritten (in place); other overlap is refused.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  stays in its own token.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
template <execution_policy Policy, element U, int N, element S = std::remove_const_t<U>, scalar T = coefficient_t<S>>
void mix_vjp(Policy const& policy, std::type_identity_t<batch_view<T const, N>> h_res,
             std::type_identity_t<vector_view<T const, N>> h_post, stream_view<U, N> x,
             std::type_identity_t<token_view<S const>> y, std::type_identity_t<stream_view<S const, N>> x_next_gradient,
             std::type_identity_t<batch_view<T, N>> h_res_gradient,
             std::type_identity_t<vector_view<T, N>> h_post_gradient,
             std::type_identity_t<stream_view<S, N>> x_gradient, std::type_identity_t<token_view<S>> y_gradient,
             update x_gradient_update = update::overwrite) {
  bool const in_place = x_gradient_update == update::overwrite;
  detail::check("mhc::mix_vjp",
                {detail::reads("x", x), detail::reads("h_res", h_res), detail::reads("h_post", h_post),
                 detail::reads("y", y), detail::reads("x_next_gradient", x_next_gradient),
                 detail::writes("h_res_gradient", h_res_gradient), detail::writes("h_post_gradient", h_post_gradient),
                 detail::writes("x_gradient", x_gradient).in_place_of(in_place ? "x_next_gradient" : ""),
                 detail::writes("y_gradient", y_gradient)});
  using detail::mix_vjp_impl;
  mix_vjp_impl(policy, mix_vjp_arguments<S, N>{h_res, h_post, x, y, x_next_gradient, h_res_gradient, h_post_gradient,
                                               x_gradient, y_gradient, x_gradient_update});
}

}  // namespace mhc
