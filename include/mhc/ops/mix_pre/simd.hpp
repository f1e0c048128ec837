// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/ops/gates/simd.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/mix/simd.hpp>
#include <mhc/ops/mix_pre/types.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

MHC_BEGIN_LANES

namespace mhc::detail {

/// Mixes tokens in their order, some channels at a time, beside the scan of those before.
template <class V, class Kind, class S>
class mixing_beside {
  static constexpr int N = Kind::streams;
  static constexpr std::ptrdiff_t step = 64;  // channels: whole lines of any element

 public:
  /// Bytes of a token up to which this pays, as measured: of longer ones so much is wanted from memory at once that the scan
  /// waits for its own.
  static constexpr std::ptrdiff_t most_bytes = near_token_bytes;

  mixing_beside(mix_pre_arguments<Kind, S> const& all, std::ptrdiff_t first) : all_(&all), token_(first) {}

  /// Tokens before `end` may be mixed.
  void allow(std::ptrdiff_t end) { end_ = end; }
  /// All that may be.
  void finish() {
    for (; token_ < end_; ++token_, at_ = 0) mix_channels(all_->x.channels - at_, std::true_type{});
  }
  /// As many as have been multiplied, or a few more.
  void run(std::ptrdiff_t elements) {
    for (std::ptrdiff_t some = elements / N; some > 0 && token_ < end_;) {
      std::ptrdiff_t const n = std::min((some + step - 1) / step * step, all_->x.channels - at_);
      mix_channels(n, std::false_type{});
      some -= n;
      at_ += n;
      if (at_ == all_->x.channels) ++token_, at_ = 0;
    }
  }
  /// A token further on, in the order of memory.
  void ask(std::ptrdiff_t e, std::ptrdiff_t n) const {
    if (token_ >= end_) return;
    std::ptrdiff_t const length = token_length(all_->x), some = std::min(n, end_ * length);
    std::ptrdiff_t const at = std::min((token_ + 1) * length + N * at_ + e, end_ * length - some);
    ask_lines(all_->x.data + at, some);
    ask_lines(all_->x_next.data + at, some);
    ask_lines(all_->y.data + at / N, some / N);
  }

 private:
  MHC_FLATTEN void mix_channels(std::ptrdiff_t n, auto asks) const {
    mixed_token<V, S, N> const token(all_->h_res, all_->h_post, all_->x, all_->y, all_->x_next, token_);
    if constexpr (asks)
      token.channels_asking(std::true_type{}, at_, n, false);  // no token has more than most_bytes
    else
      token.channels(at_, n, false);
  }
  template <class E>
  static void ask_lines(E const* p, std::ptrdiff_t n) {
    for (std::ptrdiff_t c = 0; c < n; c += 64 / static_cast<std::ptrdiff_t>(sizeof(E))) prefetch<2>(p, c);
  }

  mix_pre_arguments<Kind, S> const* all_;
  std::ptrdiff_t token_, end_ = 0, at_ = 0;
};

/// first … end − 1, a run of tokens, block after block.
template <class V, class L, class Kind, class S>
void mix_pre_run(mix_pre_arguments<Kind, S> const& all, std::ptrdiff_t first, std::ptrdiff_t end) {
  constexpr std::ptrdiff_t step = forward_step, most = forward_block<Kind>;
  std::ptrdiff_t const blocks = (end - first + most - 1) / most, steps = (end - first + step - 1) / step;
  std::ptrdiff_t const block = (steps + blocks - 1) / blocks * step;
  mixing_beside<L, Kind, S> mixes(all, first);
  mixes.allow(std::min(first + block, end));
  mixes.finish();
  for (std::ptrdiff_t b = first; b < end; b += block) {
    std::ptrdiff_t const n = std::min(block, end - b);
    mixes.allow(std::min(b + n + block, end));
    gate_block<V>(all.kind, all.parameters, stream_view<S const, Kind::streams>(all.x_next), all.next, b, n, mixes);
    mixes.finish();
  }
}

}  // namespace mhc::detail

namespace mhc::cpu {

/// While scores are summed of a block of tokens, which is multiply-adds, the next is mixed, which is memory. Where there is
/// no next block for a thread, and of long tokens or 16 bits, which are computed with for longer than they are read, all are
/// mixed first.
template <class Arch, bool Threads, class Kind, class S>
void mix_pre_impl(simd_policy<Arch, Threads> const& policy, detail::mix_pre_arguments<Kind, S> const& all) {
  if constexpr (Kind::scores_per_row > 0 && !detail::is_short_v<S>) {
    using V = detail::lanes<S, Arch>;
    using L = detail::line_lanes<S, Arch>;
    constexpr std::ptrdiff_t step = detail::forward_step;
    std::ptrdiff_t const bytes = detail::token_length(all.x) * static_cast<std::ptrdiff_t>(sizeof(S));
    std::ptrdiff_t const runs = thread_count(policy), steps = (all.x.size + step - 1) / step;
    if (all.x.size > runs * detail::forward_block<Kind> && is_dynamic(all.kind) &&
        bytes <= detail::mixing_beside<L, Kind, S>::most_bytes)
      return for_each(policy, runs, [&](std::ptrdiff_t r) {
        detail::mix_pre_run<V, L>(all, steps * r / runs * step, std::min(steps * (r + 1) / runs * step, all.x.size));
      });
  }
  mix_impl(policy, all.h_res, all.h_post, all.x, all.y, all.x_next);
  gates_impl(policy, all.kind, all.parameters, stream_view<S const, Kind::streams>(all.x_next), all.next);
}

/// In the blocks in which the gradients of `pre` are taken anyway, so that parameters get the same bits: ∂loss/∂x' is read
/// while it is in cache. Where all of it is, one after the other.
template <class Arch, bool Threads, class Kind, class S>
void mix_pre_vjp_impl(simd_policy<Arch, Threads> const& policy, detail::mix_pre_vjp_arguments<Kind, S> const& all) {
  std::ptrdiff_t const size = all.x_next.size;
  std::ptrdiff_t const bytes = detail::token_length(all.x_next) * static_cast<std::ptrdiff_t>(sizeof(S));
  std::ptrdiff_t const at_once =
      detail::fits_cache(all.x_next_gradient)
          ? size
          : detail::backward_state<Kind, coefficient_t<S>>::tokens_at_once(bytes, thread_count(policy));
  bool const past = detail::goes_past_cache<detail::lanes<coefficient_t<S>, Arch>>(all.mix.x_gradient);
  for (std::ptrdiff_t first = 0; first < size; first += at_once) {
    auto const a = detail::tokens_of(all, first, std::min(at_once, size - first));
    gates_vjp_impl(policy, a.kind, a.parameters, a.x_next, a.next, a.x_next_gradient, a.parameters_gradient,
                   update::accumulate, first + at_once < size);
    mix_vjp_impl(policy, a.mix, past ? detail::destination::past_cache : detail::destination::cache);
  }
}

}  // namespace mhc::cpu

MHC_END_LANES
