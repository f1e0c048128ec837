// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/contract/sequential.hpp>
#include <mhc/ops/contract/types.hpp>
#include <mhc/ops/gates/gates.hpp>

#if defined(__CUDACC__)
#  include <mhc/ops/contract/cuda.cuh>
#else
#  include <mhc/ops/contract/simd.hpp>
#endif

#include <type_traits>

namespace mhc {

namespace detail {

template <class Policy, class... Args>
void contract_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>, "mhc::contract: no backend for this execution policy in this translation unit");
}
template <class Policy, class... Args>
void contract_vjp_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>,
                "mhc::contract_vjp: no backend for this execution policy in this translation unit");
}

}  // namespace detail

/// One vector per token from its N streams: their sum or their mean. The exit of a network of hyper-connections.
///
/// Shapes      x (B, N, C), u (B, C), of one element, bfloat16 and half included.
/// Result      overwritten; exact up to the rounding of an N-term sum. Of 16 bits it is the sum in float, rounded once.
/// Aliasing    u does not overlap x.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  stays in its own token.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
/// @see D. Zhu et al., arXiv:2409.19606.
/// @see mhc::contract_vjp for the gradient; mhc::head for learned weights.
template <execution_policy Policy, element U, int N, element S = std::remove_const_t<U>>
void contract(Policy const& policy, contraction how, stream_view<U, N> x, std::type_identity_t<token_view<S>> u) {
  detail::check("mhc::contract", {detail::reads("x", x), detail::writes("u", u)});
  using detail::contract_impl;
  contract_impl(policy, how, stream_view<S const, N>(x), u);
}

/// Gradient of `contract`: ∂loss/∂x_ic = ∂loss/∂u_c, over N for the mean.
///
/// Shapes      u_gradient (B, C), x_gradient (B, N, C), of one element.
/// Result      overwritten.
/// Aliasing    x_gradient does not overlap u_gradient.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  stays in its own token.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
template <execution_policy Policy, element S, int N>
  requires(!std::is_const_v<S>)
void contract_vjp(Policy const& policy, contraction how, std::type_identity_t<token_view<S const>> u_gradient,
                  stream_view<S, N> x_gradient) {
  detail::check("mhc::contract_vjp",
                {detail::reads("u_gradient", u_gradient), detail::writes("x_gradient", x_gradient)});
  using detail::contract_vjp_impl;
  contract_vjp_impl(policy, how, u_gradient, x_gradient);
}

/// One vector per token by learned weights that depend on the token: with s = φ x⃗ / rms(x⃗), H_pre = σ(α s + b) + ε,
/// u = H_pre x.
///
/// Shapes      x (B, N, C), h_pre (B, N), u (B, C), scores (B, N + 1); parameters phi (N, N·C), alpha (1), bias (N). x and u
///             of one element; of bfloat16 or half, everything else is of float.
/// Result      overwritten; u of 16 bits rounded once.
/// Aliasing    the outputs overlap nothing.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  stays in its own token.
///
/// @param scores  null, or memory in which the scores and inverse norms are kept for `contract_vjp`
/// @throws mhc::shape_error  the arguments do not fit together; nothing is written
/// @see the output head of DeepSeek-V4's published model code (hc_head).
template <execution_policy Policy, head_kind Kind, class T = typename Kind::element, int N = Kind::streams,
          element U = T const, element S = std::remove_const_t<U>>
void contract(Policy const& policy, Kind const& connection,
              std::type_identity_t<parameters_of<Kind, T const>> parameters, stream_view<U, Kind::streams> x,
              std::type_identity_t<vector_view<T, N>> h_pre, std::type_identity_t<token_view<S>> u,
              std::type_identity_t<score_view<Kind, T>> scores = {}) {
  detail::check_connection("mhc::contract", connection, x);
  detail::check("mhc::contract",
                {detail::reads("x", x), detail::reads_phi(connection, parameters),
                 detail::reads_alpha(connection, parameters), detail::reads_bias(connection, parameters),
                 detail::writes("h_pre", h_pre), detail::writes("u", u), detail::writes("scores", scores).if_given()});
  using detail::gates_impl;
  gates_impl(policy, connection, parameters, stream_view<S const, N>(x),
             detail::gate_outputs<S, N>{h_pre, {}, {}, u, detail::rows_of_scores(scores)});
}

/// Gradients of the learned `contract`: of x, and of φ, α and b. The weights are computed again, from the scores if
/// `contract` has kept them.
///
/// Shapes      as for `contract`; every gradient has the shape and the element of its tensor.
/// Result      x_gradient overwritten or, with update::accumulate, added to, of 16 bits rounded once;
///             parameters_gradient added to. The same bits for any number of threads.
/// Aliasing    the outputs overlap nothing.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  a NaN in a token spoils its own x_gradient, and the parameters' gradients, which are sums over tokens.
///
/// @param scores  null, or what `contract` has kept of the same x and parameters
/// @throws mhc::shape_error  the arguments do not fit together; nothing is written
template <execution_policy Policy, head_kind Kind, class T = typename Kind::element, int N = Kind::streams,
          element U = T const, element S = std::remove_const_t<U>>
void contract_vjp(Policy const& policy, Kind const& connection,
                  std::type_identity_t<parameters_of<Kind, T const>> parameters, stream_view<U, Kind::streams> x,
                  std::type_identity_t<token_view<S const>> u_gradient,
                  std::type_identity_t<stream_view<S, N>> x_gradient,
                  std::type_identity_t<parameters_of<Kind, T>> parameters_gradient,
                  update x_gradient_update = update::overwrite,
                  std::type_identity_t<score_view<Kind, T const>> scores = {}) {
  detail::check_connection("mhc::contract_vjp", connection, x);
  detail::check(
      "mhc::contract_vjp",
      {detail::reads("x", x), detail::reads_phi(connection, parameters), detail::reads_alpha(connection, parameters),
       detail::reads_bias(connection, parameters), detail::reads("u_gradient", u_gradient),
       detail::writes("x_gradient", x_gradient), detail::writes_phi(connection, parameters_gradient),
       detail::writes_alpha(connection, parameters_gradient), detail::writes_bias(connection, parameters_gradient),
       detail::reads("scores", scores).if_given()});
  if (x.size == 0) return;  // a null u_gradient is right here, and means "none" below
  using detail::gates_vjp_impl;
  gates_vjp_impl(policy, connection, parameters, stream_view<S const, N>(x),
                 detail::gate_output_gradients<S, N>{u_gradient, {}, {}, {}, detail::rows_of_scores(scores)},
                 x_gradient, parameters_gradient, x_gradient_update);
}

}  // namespace mhc
