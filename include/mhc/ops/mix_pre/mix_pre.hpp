// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/gates/gates.hpp>
#include <mhc/ops/mix/mix.hpp>
#include <mhc/ops/mix_pre/types.hpp>

#if defined(__CUDACC__)
#  include <mhc/ops/mix_pre/cuda.cuh>
#else
#  include <mhc/ops/mix_pre/simd.hpp>
#endif

#include <type_traits>

namespace mhc {

namespace detail {

// A backend that has nothing better takes one operation after the other. In the shape of what dispatches, which is then the
// more specialised of the two.

template <class Policy, class... Arguments>
void mix_pre_impl(Policy const& policy, Arguments const&... arguments) {
  auto const one_by_one = [&]<class Kind, class S>(mix_pre_arguments<Kind, S> const& a) {
    mix_impl(policy, a.h_res, a.h_post, a.x, a.y, a.x_next);
    gates_impl(policy, a.kind, a.parameters, stream_view<S const, Kind::streams>(a.x_next), a.next);
  };
  one_by_one(arguments...);
}
template <class Policy, class... Arguments>
void mix_pre_vjp_impl(Policy const& policy, Arguments const&... arguments) {
  auto const one_by_one = [&](auto const& a) {
    gates_vjp_impl(policy, a.kind, a.parameters, a.x_next, a.next, a.x_next_gradient, a.parameters_gradient,
                   update::accumulate);
    mix_vjp_impl(policy, a.mix);
  };
  one_by_one(arguments...);
}

}  // namespace detail

/// From one layer F to the next: the streams after the first, x' = H_res x + H_postᵀ y, then the coefficients of the
/// second and its input u' = H'_pre x'. The same as `mix`, then `pre`; where it is faster, host policies mix some tokens
/// while they take the products with φ of those before.
///
/// Shapes      h_res, next_h_res (B, N, N), h_post, next_h_pre, next_h_post (B, N), x, x_next (B, N, C), y, u (B, C),
///             next_scores as score_view says. x, y, x_next and u of one element; of bfloat16 or half, the coefficients and
///             parameters are of float.
/// Units       coefficients dimensionless; y, x_next and u in the units of x.
/// Result      overwritten, with the bits of `mix` and `pre`.
/// Aliasing    x_next may be x (in place); other overlap is refused.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      as for `pre`.
/// Non-finite  stays in its own token.
///
/// @param h_res, h_post  the first layer's coefficients
/// @param y              what F made of the first layer's input
/// @param connection     the second layer's connection<T, N, P>, hyper_connection<T, N> or residual<T>
/// @param parameters     its phi, alpha, bias
/// @param next_scores    null, or memory in which its scores and inverse norms are kept for `mix_pre_vjp`
/// @throws mhc::shape_error   the arguments do not fit together; nothing is written
/// @throws mhc::option_error  an option of the projection is out of range; nothing is written
/// @see mHC, arXiv:2512.24880, eq. 3.
/// @see mhc::mix_pre_vjp for the gradients.
template <execution_policy Policy, connection_kind Kind, class T = typename Kind::element, int N = Kind::streams,
          element U = T const, element S = std::remove_const_t<U>>
void mix_pre(Policy const& policy, std::type_identity_t<batch_view<T const, N>> h_res,
             std::type_identity_t<vector_view<T const, N>> h_post, stream_view<U, Kind::streams> x,
             std::type_identity_t<token_view<S const>> y, Kind const& connection,
             std::type_identity_t<parameters_of<Kind, T const>> parameters,
             std::type_identity_t<stream_view<S, N>> x_next, std::type_identity_t<vector_view<T, N>> next_h_pre,
             std::type_identity_t<vector_view<T, N>> next_h_post, std::type_identity_t<batch_view<T, N>> next_h_res,
             std::type_identity_t<token_view<S>> u, std::type_identity_t<score_view<Kind, T>> next_scores = {}) {
  detail::check_connection("mhc::mix_pre", connection, x);
  detail::check("mhc::mix_pre",
                {detail::reads("x", x), detail::reads("h_res", h_res), detail::reads("h_post", h_post),
                 detail::reads("y", y), detail::reads_phi(connection, parameters),
                 detail::reads_alpha(connection, parameters), detail::reads_bias(connection, parameters),
                 detail::writes("x_next", x_next).in_place_of("x"), detail::writes("next_h_pre", next_h_pre),
                 detail::writes("next_h_post", next_h_post), detail::writes("next_h_res", next_h_res),
                 detail::writes("u", u), detail::writes("next_scores", next_scores).if_given()});
  using detail::mix_pre_impl;
  mix_pre_impl(policy, detail::mix_pre_arguments<Kind, S>{
                           h_res,
                           h_post,
                           x,
                           y,
                           connection,
                           parameters,
                           x_next,
                           {next_h_pre, next_h_post, next_h_res, u, detail::rows_of_scores(next_scores)}});
}

/// Gradients of `mix_pre`: those of `pre` at x', added to what x' gets from later, and with the sum those of `mix`. The
/// coefficients of the second layer are computed again, from the scores if `mix_pre` has kept them.
///
/// Shapes      as for `mix_pre`; every gradient has the shape and the element of its tensor.
/// Result      x_next_gradient holds ∂loss/∂x' without what goes through `pre`, and is added to; parameters_gradient is
///             added to; h_res_gradient, h_post_gradient, x_gradient and y_gradient are overwritten. The bits are those of
///             `pre_vjp` with update::accumulate, then `mix_vjp`: the same for any number of threads.
/// Aliasing    x_gradient may be x_next_gradient (in place), which then holds that of x; h_res_gradient and h_post_gradient
///             may be those of the second layer, which are read first; other overlap is refused.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      as for `pre_vjp`.
/// Non-finite  a NaN in a token spoils its own gradients, and the parameters' gradients, which are sums over tokens.
///
/// @param x_next       as `mix_pre` has written it
/// @param next_scores  null, or what it has kept
/// @throws mhc::shape_error   the arguments do not fit together; nothing is written
/// @throws mhc::option_error  an option of the projection is out of range; nothing is written
template <execution_policy Policy, connection_kind Kind, class T = typename Kind::element, int N = Kind::streams,
          element U = T const, element S = std::remove_const_t<U>>
void mix_pre_vjp(Policy const& policy, std::type_identity_t<batch_view<T const, N>> h_res,
                 std::type_identity_t<vector_view<T const, N>> h_post, stream_view<U, Kind::streams> x,
                 std::type_identity_t<token_view<S const>> y, Kind const& connection,
                 std::type_identity_t<parameters_of<Kind, T const>> parameters,
                 std::type_identity_t<stream_view<S const, N>> x_next,
                 std::type_identity_t<stream_view<S, N>> x_next_gradient,
                 std::type_identity_t<token_view<S const>> u_gradient,
                 std::type_identity_t<vector_view<T const, N>> next_h_post_gradient,
                 std::type_identity_t<batch_view<T const, N>> next_h_res_gradient,
                 std::type_identity_t<batch_view<T, N>> h_res_gradient,
                 std::type_identity_t<vector_view<T, N>> h_post_gradient,
                 std::type_identity_t<stream_view<S, N>> x_gradient, std::type_identity_t<token_view<S>> y_gradient,
                 std::type_identity_t<parameters_of<Kind, T>> parameters_gradient,
                 std::type_identity_t<score_view<Kind, T const>> next_scores = {}) {
  detail::check_connection("mhc::mix_pre_vjp", connection, x);
  detail::check("mhc::mix_pre_vjp",
                {detail::reads("x", x),
                 detail::reads("h_res", h_res),
                 detail::reads("h_post", h_post),
                 detail::reads("y", y),
                 detail::reads_phi(connection, parameters),
                 detail::reads_alpha(connection, parameters),
                 detail::reads_bias(connection, parameters),
                 detail::reads("x_next", x_next),
                 detail::writes("x_next_gradient", x_next_gradient).in_place_of("x_gradient"),
                 detail::reads("u_gradient", u_gradient),
                 detail::reads("next_h_post_gradient", next_h_post_gradient),
                 detail::reads("next_h_res_gradient", next_h_res_gradient),
                 detail::writes("h_res_gradient", h_res_gradient).in_place_of("next_h_res_gradient"),
                 detail::writes("h_post_gradient", h_post_gradient).in_place_of("next_h_post_gradient"),
                 detail::writes("x_gradient", x_gradient).in_place_of("x_next_gradient"),
                 detail::writes("y_gradient", y_gradient),
                 detail::writes_phi(connection, parameters_gradient),
                 detail::writes_alpha(connection, parameters_gradient),
                 detail::writes_bias(connection, parameters_gradient),
                 detail::reads("next_scores", next_scores).if_given()});
  if (x.size == 0) return;  // a null u_gradient is right here, and means "none" below
  using detail::mix_pre_vjp_impl;
  mix_pre_vjp_impl(policy,
                   detail::mix_pre_vjp_arguments<Kind, S>{
                       connection,
                       parameters,
                       x_next,
                       {u_gradient, {}, next_h_post_gradient, next_h_res_gradient, detail::rows_of_scores(next_scores)},
                       x_next_gradient,
                       {h_res, h_post, x, y, x_next_gradient, h_res_gradient, h_post_gradient, x_gradient, y_gradient,
                        update::overwrite},
                       parameters_gradient});
}

}  // namespace mhc
