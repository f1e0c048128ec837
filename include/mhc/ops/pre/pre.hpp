// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/gates/gates.hpp>

#include <type_traits>

namespace mhc {

/// Everything that happens before the layer F: the coefficients of every token, and its input u = H_pre x. The same as
/// `coefficients` followed by `aggregate`, while the streams of a few tokens are in cache.
///
/// Shapes      x (B, N, C), h_pre, h_post (B, N), h_res (B, N, N), u (B, C); scores as score_view, and parameters as the kind
///             says. x and u are of one element: the connection's, which coefficients and parameters have, or bfloat16 or
///             half where that is float.
/// Units       coefficients dimensionless; u in the units of x.
/// Result      overwritten. Sums over N·C elements are taken in blocks; error about 1e-6 relative to Σ|φ x| in float, up to
///             1e-5 for a row of equal numbers.
/// Range       any finite x; a token of zeros has scores 0.
/// Aliasing    the outputs overlap nothing.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation; the sums of 128 tokens and a block of φ on the stack, and up to 256 KiB of sums of few tokens.
/// Non-finite  stays in its own token.
///
/// @param connection  connection<T, N, P>, hyper_connection<T, N> or residual<T>
/// @param parameters  phi, alpha, bias
/// @param scores      null, or memory in which the scores and inverse norms are kept for the gradients; left alone if no
///                    coefficient depends on x
/// @throws mhc::shape_error   the arguments do not fit together; nothing is written
/// @throws mhc::option_error  an option of the projection is out of range; nothing is written
/// @see mHC, arXiv:2512.24880, eq. 3, 7–8.
/// @see mhc::pre_vjp for the gradients, mhc::mix for what happens after F.
template <execution_policy Policy, connection_kind Kind, class T = typename Kind::element, int N = Kind::streams,
          element U = T const, element S = std::remove_const_t<U>>
void pre(Policy const& policy, Kind const& connection, std::type_identity_t<parameters_of<Kind, T const>> parameters,
         stream_view<U, Kind::streams> x, std::type_identity_t<vector_view<T, N>> h_pre,
         std::type_identity_t<vector_view<T, N>> h_post, std::type_identity_t<batch_view<T, N>> h_res,
         std::type_identity_t<token_view<S>> u, std::type_identity_t<score_view<Kind, T>> scores = {}) {
  detail::check_connection("mhc::pre", connection, x);
  detail::check(
      "mhc::pre",
      {detail::reads("x", x), detail::reads_phi(connection, parameters), detail::reads_alpha(connection, parameters),
       detail::reads_bias(connection, parameters), detail::writes("h_pre", h_pre), detail::writes("h_post", h_post),
       detail::writes("h_res", h_res), detail::writes("u", u), detail::writes("scores", scores).if_given()});
  using detail::gates_impl;
  gates_impl(policy, connection, parameters, stream_view<S const, N>(x),
             detail::gate_outputs<S, N>{h_pre, h_post, h_res, u, detail::rows_of_scores(scores)});
}

/// Gradients of `pre` from those of u, H_post and H_res: of x directly (H_preᵀ ∂u), through the scores and through the
/// norm, and of φ, α and b. The coefficients are computed again: from the scores, if `pre` has kept them, which spares a
/// third of the products with φ, or from x, so that nothing has to be kept.
///
/// Shapes      as for `pre`; every gradient has the shape and the element of its tensor.
/// Result      x_gradient overwritten or, with update::accumulate, added to, which spares a pass after `mix_vjp`; of 16
///             bits it is rounded once (under cuda::policy once for every 24 scores of a row). parameters_gradient added
///             to. Sums over tokens run in a fixed order: the same bits for any threads. Host policies make the same bits
///             with kept scores and without.
/// Aliasing    the outputs overlap nothing.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation; the scores and gradients of up to 256 tokens, in 256 KiB of the stack or for 64 of them, and
///             144 KiB of every thread's.
/// Non-finite  a NaN in a token spoils its own x_gradient, and the parameters' gradients, which are sums over tokens.
///
/// @param scores  null, or what `pre` has kept of the same x and parameters
/// @throws mhc::shape_error   the arguments do not fit together; nothing is written
/// @throws mhc::option_error  an option of the projection is out of range; nothing is written
template <execution_policy Policy, connection_kind Kind, class T = typename Kind::element, int N = Kind::streams,
          element U = T const, element S = std::remove_const_t<U>>
void pre_vjp(Policy const& policy, Kind const& connection,
             std::type_identity_t<parameters_of<Kind, T const>> parameters, stream_view<U, Kind::streams> x,
             std::type_identity_t<token_view<S const>> u_gradient,
             std::type_identity_t<vector_view<T const, N>> h_post_gradient,
             std::type_identity_t<batch_view<T const, N>> h_res_gradient,
             std::type_identity_t<stream_view<S, N>> x_gradient,
             std::type_identity_t<parameters_of<Kind, T>> parameters_gradient,
             update x_gradient_update = update::overwrite,
             std::type_identity_t<score_view<Kind, T const>> scores = {}) {
  detail::check_connection("mhc::pre_vjp", connection, x);
  detail::check(
      "mhc::pre_vjp",
      {detail::reads("x", x), detail::reads_phi(connection, parameters), detail::reads_alpha(connection, parameters),
       detail::reads_bias(connection, parameters), detail::reads("u_gradient", u_gradient),
       detail::reads("h_post_gradient", h_post_gradient), detail::reads("h_res_gradient", h_res_gradient),
       detail::writes("x_gradient", x_gradient), detail::writes_phi(connection, parameters_gradient),
       detail::writes_alpha(connection, parameters_gradient), detail::writes_bias(connection, parameters_gradient),
       detail::reads("scores", scores).if_given()});
  if (x.size == 0) return;  // a null u_gradient is right here, and means "none" below
  using detail::gates_vjp_impl;
  gates_vjp_impl(policy, connection, parameters, stream_view<S const, N>(x),
                 detail::gate_output_gradients<S, N>{
                     u_gradient, {}, h_post_gradient, h_res_gradient, detail::rows_of_scores(scores)},
                 x_gradient, parameters_gradient, x_gradient_update);
}

}  // namespace mhc
