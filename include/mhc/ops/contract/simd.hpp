// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/contract/types.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/large_tensors.hpp>

MHC_BEGIN_LANES

namespace mhc::cpu {

template <class Arch, bool Threads, class S, int N>
void contract_impl(simd_policy<Arch, Threads> const& policy, contraction how, stream_view<S const, N> x,
                   token_view<S> u) {
  using V = detail::line_lanes<S, Arch>;
  detail::at_level_of(x, detail::writing::little, [&](auto first_level) MHC_ALWAYS_INLINE {
    for_each_token<V>(policy, u, [&](std::ptrdiff_t b, bool past) MHC_FLATTEN {
      auto const weight = math::filled<N>(V(detail::contraction_weight<coefficient_t<S>, N>(how)));
      auto const from = detail::rows_of<V>(x, b);
      auto const to = detail::rows_of<V>(u, b);
      detail::for_channels<V>(x.channels, [&](std::ptrdiff_t c, auto n) MHC_ALWAYS_INLINE {
        from.prefetch_next(first_level, c);
        to.store(past, {math::aggregate(weight, from.load(c, n))}, c, n);
      });
    });
  });
}

template <class Arch, bool Threads, class S, int N>
void contract_vjp_impl(simd_policy<Arch, Threads> const& policy, contraction how, token_view<S const> u_gradient,
                       stream_view<S, N> x_gradient) {
  using V = detail::line_lanes<S, Arch>;
  for_each_token<V>(policy, x_gradient, [&](std::ptrdiff_t b, bool past) MHC_FLATTEN {
    V const weight(detail::contraction_weight<coefficient_t<S>, N>(how));
    auto const from = detail::rows_of<V>(u_gradient, b);
    auto const to = detail::rows_of<V>(x_gradient, b);
    detail::for_channels<V>(x_gradient.channels, [&](std::ptrdiff_t c, auto n) MHC_ALWAYS_INLINE {
      from.prefetch_next(c);
      to.store(past, math::filled<N>(weight * from.load(c, n)[0]), c, n);
    });
  });
}

}  // namespace mhc::cpu

MHC_END_LANES
