// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/ops/gates/simd.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/mix/simd.hpp>
#include <mhc/ops/mix_pre/types.hpp>

#include <algorithm>

MHC_BEGIN_LANES

namespace mhc::cpu {

/// A block of tokens is mixed, and its coefficients are taken while it is in cache: few tokens are one, of all threads.
template <class Arch, bool Threads, class Kind, class S>
void mix_pre_impl(simd_policy<Arch, Threads> const& policy, detail::mix_pre_arguments<Kind, S> const& all) {
  if (all.x.size <= detail::forward_step) {
    mix_impl(policy, all.h_res, all.h_post, all.x, all.y, all.x_next, detail::destination::cache);
    return gates_impl(policy, all.kind, all.parameters, stream_view<S const, Kind::streams>(all.x_next), all.next);
  }
  auto const alone = policy.with_threads(1);
  constexpr std::ptrdiff_t most = detail::forward_block<Kind>;
  for_each_group_up_to<detail::forward_step, most>(policy, all.x.size, [&](std::ptrdiff_t first, std::ptrdiff_t n) {
    auto const a = detail::tokens_of(all, first, n);
    mix_impl(alone, a.h_res, a.h_post, a.x, a.y, a.x_next, detail::destination::cache);
    gates_impl(alone, a.kind, a.parameters, stream_view<S const, Kind::streams>(a.x_next), a.next);
  });
}

/// In the blocks in which the gradients of `pre` are taken anyway, so that parameters get the same bits.
template <class Arch, bool Threads, class Kind, class S>
void mix_pre_vjp_impl(simd_policy<Arch, Threads> const& policy, detail::mix_pre_vjp_arguments<Kind, S> const& all) {
  std::ptrdiff_t const size = all.x_next.size;
  std::ptrdiff_t const at_once = detail::backward_state<Kind, coefficient_t<S>>::tokens_at_once(
      detail::token_length(all.x_next) * static_cast<std::ptrdiff_t>(sizeof(S)), thread_count(policy));
  bool const past = detail::goes_past_cache<detail::lanes<coefficient_t<S>, Arch>>(all.mix.x_gradient);
  for (std::ptrdiff_t first = 0; first < size; first += at_once) {
    auto const a = detail::tokens_of(all, first, std::min(at_once, size - first));
    gates_vjp_impl(policy, a.kind, a.parameters, a.x_next, a.next, a.x_next_gradient, a.parameters_gradient,
                   update::accumulate);
    mix_vjp_impl(policy, a.mix, past ? detail::destination::past_cache : detail::destination::cache);
  }
}

}  // namespace mhc::cpu

MHC_END_LANES
