// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/compose/workspace.hpp>
#include <mhc/core/check.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/mix/mix.hpp>
#include <mhc/ops/mix_pre/mix_pre.hpp>
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
/// The workspace keeps what `propagate_vjp` needs: F's output y_l, the coefficients and the scores of every layer, x at
/// every block-th layer, and the rest of one block while it runs backward. Nothing of F is run again, and no product with
/// φ: rebuilding a block takes `aggregate` and `mix` only, and gives the same bits as the first time.
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
  auto const learned = [&](std::ptrdiff_t l) { return detail::layer_parameters(network, parameters, l); };
  auto h = memory.coefficients(0);
  pre(policy, network.connection, learned(0), from_x, h.pre, h.post, h.res, memory.u(0), h.scores);
  for (std::ptrdiff_t l = 0; l < network.layers; ++l) {
    auto const from = memory.streams(l, from_x, x_out);
    auto const to = memory.next_streams(l, x_out);
    f(l, token_view<S const>(memory.u(l)), memory.y(l));
    if (l + 1 == network.layers) {
      mix(policy, h.res, h.post, from, memory.y(l), to);
    } else {
      auto const next = memory.coefficients(l + 1);
      mix_pre(policy, h.res, h.post, from, memory.y(l), network.connection, learned(l + 1), to, next.pre, next.post,
              next.res, memory.u(l + 1), next.scores);
      h = next;
    }
  }
}

namespace detail {

/// What `propagate_vjp` works on.
template <class Kind, class S>
struct stack_backward {
  using T = typename Kind::element;
  static constexpr int N = Kind::streams;

  stack<Kind> const& network;
  T const* parameters;
  stream_view<S const, N> x;
  stack_memory<Kind, S> memory;
  stream_view<S, N> x_gradient;
  T* parameters_gradient;

  /// Block after block, last first. `policy` waits for a block to be rebuilt, `recomputation` for room to rebuild one:
  /// not for the first ones, so not for x_out_gradient either.
  template <class Policy, class Wait, class F>
  void run(Policy const& policy, Policy const& recomputation, Wait const& wait, stream_view<S const, N> x_out_gradient,
           F& f_vjp) const {
    auto gradient = x_out_gradient;
    std::ptrdiff_t rebuilt = network.layers;
    for (std::ptrdiff_t end = network.layers; end > 0;) {
      std::ptrdiff_t const begin = network.recompute ? memory.block_begin(end - 1) : 0;
      auto const rebuild = [&] {
        if (end < network.layers) wait(recomputation, policy);
        std::ptrdiff_t const first = memory.block_begin(rebuilt - 1);
        rebuild_block(recomputation, x, memory, first, rebuilt);
        rebuilt = first;
      };
      if (network.recompute) {
        if (rebuilt == end) rebuild();
        wait(policy, recomputation);
        if (memory.rooms > 1 && begin > 0) rebuild();
      }
      block(policy, begin, end, gradient, f_vjp);
      gradient = x_gradient;
      end = begin;
    }
  }

 private:
  /// Layers begin … end − 1, whose x are there: from one F to the one before in one operation.
  template <class Policy, class F>
  void block(Policy const& policy, std::ptrdiff_t begin, std::ptrdiff_t end, stream_view<S const, N> gradient,
             F& f_vjp) const {
    auto const g = memory.gradients();
    auto const x_of = [&](std::ptrdiff_t l) { return memory.rebuilt_streams(l, x); };
    auto h = memory.coefficients(end - 1);
    mix_vjp(policy, h.res, h.post, x_of(end - 1), memory.y(end - 1), gradient, g.h_res, g.h_post, x_gradient, g.y);
    for (std::ptrdiff_t l = end - 1; l >= begin; --l) {
      auto const learned = layer_parameters(network, parameters, l);
      auto const learned_gradient = layer_parameters(network, parameters_gradient, l);
      f_vjp(l, token_view<S const>(memory.u(l)), token_view<S const>(memory.y(l)), token_view<S const>(g.y), g.u);
      if (l == begin) {
        pre_vjp(policy, network.connection, learned, x_of(l), g.u, g.h_post, g.h_res, x_gradient, learned_gradient,
                update::accumulate, h.scores);
      } else {
        auto const before = memory.coefficients(l - 1);
        mix_pre_vjp(policy, before.res, before.post, x_of(l - 1), memory.y(l - 1), network.connection, learned, x_of(l),
                    x_gradient, g.u, g.h_post, g.h_res, g.h_res, g.h_post, x_gradient, g.y, learned_gradient, h.scores);
        h = before;
      }
    }
  }
};

template <bool One, class Policy, class Kind, class F, class T, class S, int N>
void stack_vjp(Policy const& policy, Policy const& recomputation, stack<Kind> const& network, T const* parameters,
               stream_view<S const, N> x, std::span<T> workspace, stream_view<S const, N> x_out_gradient,
               stream_view<S, N> x_gradient, T* parameters_gradient, F& f_vjp) {
  check_stack("mhc::propagate_vjp", network, parameters, x, workspace,
              {reads("x_out_gradient", x_out_gradient), writes("x_gradient", x_gradient).in_place_of("x_out_gradient"),
               writes("parameters_gradient", parameters_gradient, parameter_count(network))});
  stack_backward<Kind, S>{network, parameters, x, {network, x.size, workspace.data()}, x_gradient, parameters_gradient}
      .run(policy, recomputation, waiting<One>{}, x_out_gradient, f_vjp);
}

}  // namespace detail

/// Gradients of `propagate`, last layer first.
///
/// Shapes      x_out_gradient, x_gradient (B, N, C), of x's element; parameters_gradient as parameters.
/// Result      x_gradient overwritten; parameters_gradient added to. Parameters of F are the caller's.
/// Aliasing    x_gradient may be x_out_gradient (in place).
/// Order       f_vjp(l, u, y, y_gradient, u_gradient) is called once per layer, in reverse order.
/// Memory      no allocation.
/// Non-finite  a NaN spoils its own token's x_gradient and the parameters' gradients.
///
/// @param x          the same x as in `propagate`, and the same parameters
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
  detail::stack_vjp<true>(policy, policy, network, parameters, stream_view<S const, N>(x), workspace, x_out_gradient,
                          x_gradient, parameters_gradient, f_vjp);
}

/// The same with the recomputation under a policy of its own: for `mhc::cuda`, on a stream of its own, where it fills the
/// time in which the other waits for the caller's communication.
///
/// Result      the same bits.
/// Order       the caller orders `recomputation` behind `propagate`. It waits for nothing else at first, so it can run
///             before x_out_gradient arrives; the last layers' block is rebuilt then and, with `stack.ahead`, one block
///             more at a time while the block before it in this order runs backward. What follows under `policy` comes
///             after all of it. f_vjp belongs to `policy`.
/// Memory      no allocation. `recomputation` needs no scratch memory.
///
/// @param recomputation  where `aggregate` and `mix` run again; nothing does if `stack.recompute` is false
/// @see mHC, arXiv:2512.24880, section 4.3.
template <execution_policy Policy, class Kind, class F, class T = typename Kind::element, int N = Kind::streams,
          element U = T const, element S = std::remove_const_t<U>>
void propagate_vjp(Policy const& policy, std::type_identity_t<Policy> const& recomputation, stack<Kind> const& network,
                   std::type_identity_t<T const*> parameters, stream_view<U, Kind::streams> x,
                   std::type_identity_t<std::span<T>> workspace,
                   std::type_identity_t<stream_view<S const, N>> x_out_gradient,
                   std::type_identity_t<stream_view<S, N>> x_gradient, std::type_identity_t<T*> parameters_gradient,
                   F&& f_vjp) {
  detail::stack_vjp<false>(policy, recomputation, network, parameters, stream_view<S const, N>(x), workspace,
                           x_out_gradient, x_gradient, parameters_gradient, f_vjp);
}

}  // namespace mhc
