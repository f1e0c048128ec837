// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/large_tensors.hpp>

MHC_BEGIN_LANES

namespace mhc::cpu {

template <class Arch, bool Threads, class S, int N>
void expand_impl(simd_policy<Arch, Threads> const& policy, token_view<S const> y, stream_view<S, N> x) {
  using V = detail::line_lanes<S, Arch>;
  for_each_token<V>(policy, x, [&](std::ptrdiff_t b, bool past) MHC_FLATTEN {
    auto const from = detail::rows_of<V>(y, b);
    auto const to = detail::rows_of<V>(x, b);
    detail::for_channels<V>(x.channels, [&](std::ptrdiff_t c, auto n) MHC_ALWAYS_INLINE {
      from.prefetch_next(c);
      to.store(past, math::filled<N>(from.load(c, n)[0]), c, n);
    });
  });
}

template <class Arch, bool Threads, class S, int N>
void expand_vjp_impl(simd_policy<Arch, Threads> const& policy, stream_view<S const, N> x_gradient,
                     token_view<S> y_gradient) {
  using V = detail::line_lanes<S, Arch>;
  detail::at_level_of(x_gradient, detail::writing::little, [&](auto first_level) MHC_ALWAYS_INLINE {
    for_each_token<V>(policy, y_gradient, [&](std::ptrdiff_t b, bool past) MHC_FLATTEN {
      auto const ones = math::filled<N>(V(1));
      auto const from = detail::rows_of<V>(x_gradient, b);
      auto const to = detail::rows_of<V>(y_gradient, b);
      detail::for_channels<V>(x_gradient.channels, [&](std::ptrdiff_t c, auto n) MHC_ALWAYS_INLINE {
        from.prefetch_next(first_level, c);
        to.store(past, {math::aggregate(ones, from.load(c, n))}, c, n);
      });
    });
  });
}

}  // namespace mhc::cpu

MHC_END_LANES
