// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/lanes.hpp>

#include <algorithm>

MHC_BEGIN_LANES

namespace mhc::cpu {

template <class Arch, bool Threads, class S, int N>
void expand_impl(simd_policy<Arch, Threads> const& policy, token_view<S const> y, stream_view<S, N> x) {
  for_each(policy, x.size, [=](std::ptrdiff_t b) {
    for (int i = 0; i < N; ++i) std::copy_n(y.token(b), x.channels, x.stream(b, i));
  });
}

template <class Arch, bool Threads, class S, int N>
void expand_vjp_impl(simd_policy<Arch, Threads> const& policy, stream_view<S const, N> x_gradient,
                     token_view<S> y_gradient) {
  using V = detail::lanes<coefficient_t<S>, Arch>;
  for_each(policy, x_gradient.size, [=](std::ptrdiff_t b) {
    auto const ones = math::filled<N>(V(1));
    detail::for_channels<V>(x_gradient.channels, [&](std::ptrdiff_t c, std::ptrdiff_t n) {
      auto const g = detail::load_streams<V, N>(x_gradient.stream(b, 0) + c, x_gradient.channels, n);
      detail::store_channels(math::aggregate(ones, g), y_gradient.token(b) + c, n);
    });
  });
}

}  // namespace mhc::cpu

MHC_END_LANES
