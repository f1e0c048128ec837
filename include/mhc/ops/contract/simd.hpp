// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/contract/types.hpp>
#include <mhc/ops/lanes.hpp>

MHC_BEGIN_LANES

namespace mhc::cpu {

template <class Arch, bool Threads, class S, int N>
void contract_impl(simd_policy<Arch, Threads> const& policy, contraction how, stream_view<S const, N> x,
                   token_view<S> u) {
  using V = detail::lanes<coefficient_t<S>, Arch>;
  for_each(policy, x.size, [=](std::ptrdiff_t b) {
    auto const weight = math::filled<N>(V(detail::contraction_weight<coefficient_t<S>, N>(how)));
    detail::for_channels<V>(x.channels, [&](std::ptrdiff_t c, std::ptrdiff_t n) {
      auto const column = detail::load_streams<V, N>(x.stream(b, 0) + c, x.channels, n);
      detail::store_channels(math::aggregate(weight, column), u.token(b) + c, n);
    });
  });
}

template <class Arch, bool Threads, class S, int N>
void contract_vjp_impl(simd_policy<Arch, Threads> const& policy, contraction how, token_view<S const> u_gradient,
                       stream_view<S, N> x_gradient) {
  using V = detail::lanes<coefficient_t<S>, Arch>;
  for_each(policy, x_gradient.size, [=](std::ptrdiff_t b) {
    V const weight(detail::contraction_weight<coefficient_t<S>, N>(how));
    detail::for_channels<V>(x_gradient.channels, [&](std::ptrdiff_t c, std::ptrdiff_t n) {
      auto const g = math::filled<N>(weight * detail::load_channels<V>(u_gradient.token(b) + c, n));
      detail::store_streams(g, x_gradient.stream(b, 0) + c, x_gradient.channels, n);
    });
  });
}

}  // namespace mhc::cpu

MHC_END_LANES
