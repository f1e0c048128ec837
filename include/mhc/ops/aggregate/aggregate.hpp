// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/aggregate/sequential.hpp>

#if defined(__CUDACC__)
#  include <mhc/ops/aggregate/cuda.cuh>
#else
#  include <mhc/ops/aggregate/simd.hpp>
#endif

#include <type_traits>

namespace mhc {

namespace detail {

template <class Policy, class... Args>
void aggregate_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>, "mhc::aggregate: no backend for this execution policy in this translation unit");
}
template <class Policy, class... Args>
void aggregate_vjp_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>,
                "mhc::aggregate_vjp: no backend for this execution policy in this translation unit");
}

}  // namespace detail

/// The layer's input from its streams: u = H_pre x, u_c = Σ_i h_i x_ic.
///
/// Shapes      h_pre (B, N), x (B, N, C), u (B, C). x and u of one element; of bfloat16 or half, h_pre is of float.
/// Result      overwritten; exact up to the rounding of an N-term sum. u of 16 bits is the sum in float, rounded once.
/// Aliasing    u overlaps neither input.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  stays in its own token.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
/// @see mHC, arXiv:2512.24880, eq. 3.
/// @see mhc::aggregate_vjp for the gradient, mhc::pre for coefficients and aggregate in one pass over x.
template <execution_policy Policy, element U, int N, element S = std::remove_const_t<U>, scalar T = coefficient_t<S>>
void aggregate(Policy const& policy, std::type_identity_t<vector_view<T const, N>> h_pre, stream_view<U, N> x,
               std::type_identity_t<token_view<S>> u) {
  detail::check("mhc::aggregate", {detail::reads("x", x), detail::reads("h_pre", h_pre), detail::writes("u", u)});
  using detail::aggregate_impl;
  aggregate_impl(policy, h_pre, stream_view<S const, N>(x), u);
}

/// Gradients of `aggregate` from g = ∂loss/∂u: ∂loss/∂h_i = Σ_c g_c x_ic, ∂loss/∂x_ic = h_i g_c.
///
/// Shapes      h_pre, h_pre_gradient (B, N), x, x_gradient (B, N, C), u_gradient (B, C); elements as in `aggregate`.
/// Result      h_pre_gradient overwritten; x_gradient overwritten or, with update::accumulate, added to, and rounded
///             once either way.
/// Aliasing    the outputs overlap nothing.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  stays in its own token.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
template <execution_policy Policy, element U, int N, element S = std::remove_const_t<U>, scalar T = coefficient_t<S>>
void aggregate_vjp(Policy const& policy, std::type_identity_t<vector_view<T const, N>> h_pre, stream_view<U, N> x,
                   std::type_identity_t<token_view<S const>> u_gradient,
                   std::type_identity_t<vector_view<T, N>> h_pre_gradient,
                   std::type_identity_t<stream_view<S, N>> x_gradient, update x_gradient_update = update::overwrite) {
  detail::check("mhc::aggregate_vjp",
                {detail::reads("x", x), detail::reads("h_pre", h_pre), detail::reads("u_gradient", u_gradient),
                 detail::writes("h_pre_gradient", h_pre_gradient), detail::writes("x_gradient", x_gradient)});
  using detail::aggregate_vjp_impl;
  aggregate_vjp_impl(policy, h_pre, stream_view<S const, N>(x), u_gradient, h_pre_gradient, x_gradient,
                     x_gradient_update);
}

}  // namespace mhc
