// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/gates/backward_channels.hpp>
#include <mhc/ops/gates/backward_tokens.hpp>
#include <mhc/ops/gates/forward_tokens.hpp>
#include <mhc/ops/gates/types.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/large_tensors.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

/// @file
/// From streams to coefficients and back, in blocks of tokens: what `coefficients`, `pre` and the head of `contract`
/// share. The products with φ run with scores or neighbouring channels in the lanes, the gates with one token per lane.
/// Sums are cut by the length of a row and by a token's index, so threads never show in a bit of the result.

MHC_BEGIN_LANES

namespace mhc::cpu {

template <class Arch, bool Threads, class Kind, class T, class S, int N>
void gates_impl(simd_policy<Arch, Threads> const& policy, Kind const& kind,
                parameters_of<Kind, T const> const& parameters, stream_view<S const, N> x,
                detail::gate_outputs<S, N> const& out) {
  if constexpr (Kind::scores_per_row > 0) {
    using F = std::remove_const_t<std::remove_pointer_t<decltype(parameters.phi)>>;
    using few = detail::few_tokens<detail::lanes<T, Arch>, Kind, F, T, S, N>;
    if (few::are(kind, x.size, thread_count(policy))) {
      few tokens(kind, parameters, x);
      for_each(policy, few::blocks(kind), [&](std::ptrdiff_t k) { tokens.scan_block(k); });
      return for_each_group_up_to<1, few::most>(
          policy, x.size, [&](std::ptrdiff_t first, std::ptrdiff_t n) { tokens.finish(out, first, n); });
    }
  }
  for_each_group_up_to<detail::forward_step, detail::forward_block<Kind>>(
      policy, x.size, [&](std::ptrdiff_t first, std::ptrdiff_t n) {
        detail::gate_block<detail::lanes<T, Arch>>(kind, parameters, x, out, first, n);
      });
}

/// `goes_on`: behind these tokens of x there are more that will be wanted next.
template <class Arch, bool Threads, class Kind, class T, class S, int N>
void gates_vjp_impl(simd_policy<Arch, Threads> const& policy, Kind const& kind,
                    parameters_of<Kind, T const> const& parameters, stream_view<S const, N> x,
                    detail::gate_output_gradients<S, N> const& in, stream_view<S, N> x_gradient,
                    parameters_of<Kind, T> const& parameters_gradient, update mode, bool goes_on = false) {
  using V = detail::lanes<T, Arch>;
  using F = std::remove_const_t<std::remove_pointer_t<decltype(parameters.phi)>>;
  auto const split = detail::channel_pieces::of(x.channels, detail::piece_channels<Kind, T>, N, thread_count(policy));
  std::ptrdiff_t const pieces = N * split.per_stream;
  bool const past = mode == update::overwrite && detail::goes_past_cache<V>(x_gradient);
  detail::backward_state<Kind, T> state;
  std::ptrdiff_t const at_once =
      state.tokens_at_once(detail::token_length(x) * static_cast<std::ptrdiff_t>(sizeof(S)), thread_count(policy));
  for (std::ptrdiff_t first = 0; first < x.size; first += at_once) {
    std::ptrdiff_t const count = std::min(at_once, x.size - first);
    auto const some = detail::tokens_of(x, first, count);
    auto const some_in = detail::tokens_of(in, first, count);
    for_each_group_up_to<detail::forward_step, detail::backward_block>(
        policy, count, [&](std::ptrdiff_t t, std::ptrdiff_t n) {
          detail::backward_tokens<V>(kind, parameters, some, some_in, state, t, n);
        });
    for_each(policy, pieces, [&](std::ptrdiff_t piece) {
      auto const range = detail::channel_range::of<Kind>(split, piece);
      auto const next = detail::channel_range::of<Kind>(split, std::min(piece + 1, pieces - 1));
      detail::backward_range<V, Kind, F, T, S, N>(
          kind, parameters.phi, some, some_in, state, detail::tokens_of(x_gradient, first, count), mode, past,
          parameters_gradient.phi, range, next, goes_on || first + count < x.size)
          .run();
      if (past) detail::fence_past_cache();
    });
    for (std::ptrdiff_t t = 0; t < count; t += detail::backward_block)
      detail::add_own_gradients(kind, state, t, std::min(detail::backward_block, count - t), parameters_gradient);
  }
}

}  // namespace mhc::cpu

MHC_END_LANES
