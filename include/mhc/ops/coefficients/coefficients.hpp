// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/gates/gates.hpp>

#include <type_traits>

namespace mhc {

/// The coefficients H_pre, H_post, H_res of every token from its streams, as the kind of connection says: for mHC
/// s = φ x⃗ / rms(x⃗), H_pre = σ(α s + b) + ε, H_post = 2σ(α s + b), H_res = Π(α s + b), with α and b of each part.
///
/// Shapes      x (B, N, C), h_pre, h_post (B, N), h_res (B, N, N); scores as score_view, and parameters as the kind says.
///             Coefficients, scores and parameters are of the connection's element, and so is x; or x is of bfloat16 or half,
///             and they are of float.
/// Units       dimensionless; logits in nats.
/// Result      overwritten. Sums over N·C elements are taken in blocks; error about 1e-6 relative to Σ|φ x| in float, up to
///             1e-5 for a row of equal numbers.
/// Range       any finite x; a token of zeros has scores 0.
/// Aliasing    the outputs overlap nothing.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation; the sums of 128 tokens and a block of φ on the stack, and up to 256 KiB of sums of few tokens.
/// Non-finite  a NaN or infinity in a token makes that token's coefficients NaN and no other's.
///
/// @param connection  connection<T, N, P>, hyper_connection<T, N> or residual<T>
/// @param parameters  phi, alpha, bias
/// @param scores      null, or memory in which the scores and inverse norms are kept for the gradients; left alone if no
///                    coefficient depends on x
/// @throws mhc::shape_error   the arguments do not fit together; nothing is written
/// @throws mhc::option_error  an option of the projection is out of range; nothing is written
/// @see mHC, arXiv:2512.24880, eq. 7–8 and 14–19.
/// @see mhc::coefficients_vjp for the gradients, mhc::pre for coefficients and aggregate in one pass.
template <execution_policy Policy, connection_kind Kind, class T = typename Kind::element, int N = Kind::streams,
          element U = T const, element S = std::remove_const_t<U>>
void coefficients(Policy const& policy, Kind const& connection,
                  std::type_identity_t<parameters_of<Kind, T const>> parameters, stream_view<U, Kind::streams> x,
                  std::type_identity_t<vector_view<T, N>> h_pre, std::type_identity_t<vector_view<T, N>> h_post,
                  std::type_identity_t<batch_view<T, N>> h_res, std::type_identity_t<score_view<Kind, T>> scores = {}) {
  detail::check_connection("mhc::coefficients", connection, x);
  detail::check(
      "mhc::coefficients",
      {detail::reads("x", x), detail::reads_phi(connection, parameters), detail::reads_alpha(connection, parameters),
       detail::reads_bias(connection, parameters), detail::writes("h_pre", h_pre), detail::writes("h_post", h_post),
       detail::writes("h_res", h_res), detail::writes("scores", scores).if_given()});
  using detail::gates_impl;
  gates_impl(policy, connection, parameters, stream_view<S const, N>(x),
             detail::gate_outputs<S, N>{h_pre, h_post, h_res, {}, detail::rows_of_scores(scores)});
}

/// Gradients of `coefficients`: of x through the scores and through the norm, and of φ, α and b. The scores are computed
/// again, a third of the products with φ, unless `coefficients` has kept them.
///
/// Shapes      as for `coefficients`; every gradient has the shape and the element of its tensor.
/// Result      x_gradient overwritten or, with update::accumulate, added to, of 16 bits rounded once (under cuda::policy
///             once for every 24 scores of a row); parameters_gradient added to. Sums over tokens run in a fixed order:
///             the same bits for any number of threads, and of host policies with kept scores and without.
/// Aliasing    the outputs overlap nothing.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation; the scores and gradients of up to 256 tokens, in 256 KiB of the stack or for 64 of them, and
///             144 KiB of every thread's.
/// Non-finite  a NaN in a token spoils its own x_gradient, and the parameters' gradients, which are sums over tokens.
///
/// @param scores  null, or what `coefficients` has kept of the same x and parameters
/// @throws mhc::shape_error   the arguments do not fit together; nothing is written
/// @throws mhc::option_error  an option of the projection is out of range; nothing is written
template <execution_policy Policy, connection_kind Kind, class T = typename Kind::element, int N = Kind::streams,
          element U = T const, element S = std::remove_const_t<U>>
void coefficients_vjp(Policy const& policy, Kind const& connection,
                      std::type_identity_t<parameters_of<Kind, T const>> parameters, stream_view<U, Kind::streams> x,
                      std::type_identity_t<vector_view<T const, N>> h_pre_gradient,
                      std::type_identity_t<vector_view<T const, N>> h_post_gradient,
                      std::type_identity_t<batch_view<T const, N>> h_res_gradient,
                      std::type_identity_t<stream_view<S, N>> x_gradient,
                      std::type_identity_t<parameters_of<Kind, T>> parameters_gradient,
                      update x_gradient_update = update::overwrite,
                      std::type_identity_t<score_view<Kind, T const>> scores = {}) {
  detail::check_connection("mhc::coefficients_vjp", connection, x);
  detail::check(
      "mhc::coefficients_vjp",
      {detail::reads("x", x), detail::reads_phi(connection, parameters), detail::reads_alpha(connection, parameters),
       detail::reads_bias(connection, parameters), detail::reads("h_pre_gradient", h_pre_gradient),
       detail::reads("h_post_gradient", h_post_gradient), detail::reads("h_res_gradient", h_res_gradient),
       detail::writes("x_gradient", x_gradient), detail::writes_phi(connection, parameters_gradient),
       detail::writes_alpha(connection, parameters_gradient), detail::writes_bias(connection, parameters_gradient),
       detail::reads("scores", scores).if_given()});
  using detail::gates_vjp_impl;
  gates_vjp_impl(policy, connection, parameters, stream_view<S const, N>(x),
                 detail::gate_output_gradients<S, N>{
                     {}, h_pre_gradient, h_post_gradient, h_res_gradient, detail::rows_of_scores(scores)},
                 x_gradient, parameters_gradient, x_gradient_update);
}

}  // namespace mhc
