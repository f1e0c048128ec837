// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/expand/sequential.hpp>

#if defined(__CUDACC__)
#  include <mhc/ops/expand/cuda.cuh>
#else
#  include <mhc/ops/expand/simd.hpp>
#endif

#include <type_traits>

namespace mhc {

namespace detail {

template <class Policy, class... Args>
void expand_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>, "mhc::expand: no backend for this execution policy in this translation unit");
}
template <class Policy, class... Args>
void expand_vjp_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>, "mhc::expand_vjp: no backend for this execution policy in this translation unit");
}

}  // namespace detail

/// N equal streams from one vector per token: x_ic = y_c. The entry into a network of hyper-connections.
///
/// Shapes      y (B, C), x (B, N, C), of one element, bfloat16 and half included.
/// Result      overwritten; exact.
/// Aliasing    x does not overlap y.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  stays in its own token.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
/// @see mHC, arXiv:2512.24880; D. Zhu et al., arXiv:2409.19606.
/// @see mhc::expand_vjp for the gradient, mhc::contract for the exit.
template <execution_policy Policy, element S, int N>
  requires(!std::is_const_v<S>)
void expand(Policy const& policy, std::type_identity_t<token_view<S const>> y, stream_view<S, N> x) {
  detail::check("mhc::expand", {detail::reads("y", y), detail::writes("x", x)});
  using detail::expand_impl;
  expand_impl(policy, y, x);
}

/// Gradient of `expand`: ∂loss/∂y_c = Σ_i ∂loss/∂x_ic.
///
/// Shapes      x_gradient (B, N, C), y_gradient (B, C), of one element.
/// Result      overwritten; exact up to the rounding of an N-term sum. Of 16 bits it is the sum in float, rounded once.
/// Aliasing    y_gradient does not overlap x_gradient.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  stays in its own token.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
template <execution_policy Policy, element U, int N, element S = std::remove_const_t<U>>
void expand_vjp(Policy const& policy, stream_view<U, N> x_gradient, std::type_identity_t<token_view<S>> y_gradient) {
  detail::check("mhc::expand_vjp", {detail::reads("x_gradient", x_gradient), detail::writes("y_gradient", y_gradient)});
  using detail::expand_vjp_impl;
  expand_vjp_impl(policy, stream_view<S const, N>(x_gradient), y_gradient);
}

}  // namespace mhc
