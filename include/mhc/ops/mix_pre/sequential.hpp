// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/ops/gates/sequential.hpp>
#include <mhc/ops/mix/sequential.hpp>
#include <mhc/ops/mix_pre/types.hpp>

namespace mhc::cpu {

template <class Kind, class S>
void mix_pre_impl(sequential_policy const& policy, detail::mix_pre_arguments<Kind, S> const& all) {
  for (std::ptrdiff_t b = 0; b < all.x.size; ++b) {
    auto const a = detail::tokens_of(all, b, 1);
    mix_impl(policy, a.h_res, a.h_post, a.x, a.y, a.x_next);
    gates_impl(policy, a.kind, a.parameters, stream_view<S const, Kind::streams>(a.x_next), a.next);
  }
}

template <class Kind, class S>
void mix_pre_vjp_impl(sequential_policy const& policy, detail::mix_pre_vjp_arguments<Kind, S> const& all) {
  for (std::ptrdiff_t b = 0; b < all.x_next.size; ++b) {
    auto const a = detail::tokens_of(all, b, 1);
    gates_vjp_impl(policy, a.kind, a.parameters, a.x_next, a.next, a.x_next_gradient, a.parameters_gradient,
                   update::accumulate);
    mix_vjp_impl(policy, a.mix);
  }
}

}  // namespace mhc::cpu
