// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/compose/workspace.hpp>
#include <mhc/core/check.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/mix/mix.hpp>
#include <mhc/ops/pre/pre.hpp>

#include <cstddef>
#include <span>
#include <type_traits>

/// @file
/// A deep network of one kind of connection around layers F that the caller gives. Uses public operations only, so it
/// runs wherever they run.

namespace mhc {

/// Streams after `layers` layers: x_{l+1} = H_res,l x_l + H_post,lᵀ F_l(H_pre,l x_l), l = 0 … L−1.
///
/// The workspace keeps what `propagate_vjp` needs: F's output y_l of every layer, x at every block-th layer, and the
/// rest of one block while it runs backward. Nothing of F is run again: rebuilding a block takes `pre` and `mix`
/// only, and gives the same bits as the first time.
///
/// Shapes      x, x_out (B, N, C); parameters: layer l's at l·parameter_count(connection); workspace of
///             workspace_size(stack, B) elements where the policy's memory is, or workspace_size<S>(stack, B) for x of
///             another element S than the connection's: of bfloat16 or half, as u and y are then.
/// Result      x_out overwritten. Of 16 bits it is rounded after every layer, as u is.
/// Aliasing    x, x_out and workspace are three buffers.
/// Order       f(l, u, y) is called once per layer, in order; with a policy that enqueues, f enqueues too.
/// Memory      no allocation.
/// Non-finite  stays in its own token, as far as F keeps it there.
///
/// @param f  callable as f(std::ptrdiff_t layer, token_view<S const> u, token_view<S> y): writes y = F_l(u)
/// @throws mhc::shape_error   the arguments do not fit together; nothing is written
/// @throws mhc::option_error  an option of the stack or its projection is out of range; nothing is written
/// @see mHC, arXiv:2512.24880, section 4.3 and table 3 (recomputation).
template <execution_policy Policy, class Kind, class F, class T = typename Kind::element, int N = Kind::streams,
          element U = T const, element S = std::remove_const_t<U>>
void propagate(Policy const& policy, stack<Kind> const& network, std::type_identity_t<T const*> parameters,
               stream_view<U, Kind::streams> x, std::type_identity_t<stream_view<S, N>> x_out,
               std::type_identity_t<std::span<T>> workspace, F&& f) {
  stream_view<S const, N> const from_x = x;
  detail::check_stack("mhc::propagate", network, parameters, from_x, workspace, {detail::writes("x_out", x_out)});
  detail::stack_memory<Kind, S> const memory(network, x.size, workspace.data());
  for (std::ptrdiff_t l = 0; l < network.layers; ++l) {
    auto const h = memory.coefficients(l);
    auto const u = memory.u(l);
    auto const from = memory.streams(l, from_x, x_out);
    pre(policy, network.connection, detail::layer_parameters(network, parameters, l), from, h.pre, h.post, h.res, u);
    f(l, token_view<S const>(u), memory.y(l));
    mix(policy, h.res, h.post, from, memory.y(l), memory.next_streams(l, x_out));
  }
}

/// Gradients of `propagate`, last layer first.
///
/// Shapes      x_out_gradient, x_gradient (B, N, C), of x's element; parameters_gradient as parameters.
/// Result      x_gradient overwritten; parameters_gradient added to. Parameters of F are the caller's.
/// Aliasing    x_gradient may be x_out_gradient (in place).
/// Order       f_vjp(l, u, y, y_gradient, u_gradient) is called once per layer, in reverse order.
/// Memory      no allocation.
/// Non-finite  a NaN spoils its own token's x_gradient and the parameters' gradients.
///
/// @param x          the same x as in `propagate`
/// @param workspace  as `propagate` left it
/// @param f_vjp      callable as f_vjp(std::ptrdiff_t layer, token_view<S const> u, token_view<S const> y,
///                   token_view<S const> y_gradient, token_view<S> u_gradient): writes u_gradient
/// @throws mhc::shape_error   the arguments do not fit together; nothing is written
/// @throws mhc::option_error  an option of the stack or its projection is out of range; nothing is written
template <execution_policy Policy, class Kind, class F, class T = typename Kind::element, int N = Kind::streams,
          element U = T const, element S = std::remove_const_t<U>>
void propagate_vjp(Policy const& policy, stack<Kind> const& network, std::type_identity_t<T const*> parameters,
                   stream_view<U, Kind::streams> x, std::type_identity_t<std::span<T>> workspace,
                   std::type_identity_t<stream_view<S const, N>> x_out_gradient,
                   std::type_identity_t<stream_view<S, N>> x_gradient, std::type_identity_t<T*> parameters_gradient,
                   F&& f_vjp) {
  stream_view<S const, N> const from_x = x;
  detail::check_stack("mhc::propagate_vjp", network, parameters, from_x, workspace,
                      {detail::reads("x_out_gradient", x_out_gradient),
                       detail::writes("x_gradient", x_gradient).in_place_of("x_out_gradient"),
                       detail::writes("parameters_gradient", parameters_gradient, parameter_count(network))});
  detail::stack_memory<Kind, S> const memory(network, x.size, workspace.data());
  auto gradient = x_out_gradient;
  for (std::ptrdiff_t end = network.layers; end > 0;) {
    std::ptrdiff_t const begin = memory.block_begin(end - 1);
    if (network.recompute) detail::rebuild_block(policy, network, parameters, from_x, memory, begin, end);
    for (std::ptrdiff_t l = end - 1; l >= begin; --l) {
      auto const h = memory.coefficients(l);
      auto const from = memory.rebuilt_streams(l, from_x);
      auto const g = memory.gradients();
      mix_vjp(policy, h.res, h.post, from, memory.y(l), gradient, g.h.res, g.h.post, x_gradient, g.y);
      f_vjp(l, token_view<S const>(memory.u(l)), token_view<S const>(memory.y(l)), token_view<S const>(g.y), g.u);
      pre_vjp(policy, network.connection, detail::layer_parameters(network, parameters, l), from, g.u, g.h.post,
              g.h.res, x_gradient, detail::layer_parameters(network, parameters_gradient, l), update::accumulate);
      gradient = x_gradient;
    }
    end = begin;
  }
}

}  // namespace mhc
