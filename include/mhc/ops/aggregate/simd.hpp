// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/lanes.hpp>

MHC_BEGIN_LANES

namespace mhc::cpu {

/// Neighbouring channels in the lanes, tokens over the threads.
template <class Arch, bool Threads, class T, class S, int N>
void aggregate_impl(simd_policy<Arch, Threads> const& policy, vector_view<T const, N> h_pre, stream_view<S const, N> x,
                    token_view<S> u) {
  using V = detail::lanes<T, Arch>;
  for_each(policy, x.size, [&](std::ptrdiff_t b) {
    auto const h = detail::broadcast_row<math::vec<V, N>>(h_pre.data + b * N);
    detail::for_channels<V>(x.channels, [&](std::ptrdiff_t c, std::ptrdiff_t n) {
      auto const column = detail::load_streams<V, N>(x.stream(b, 0) + c, x.channels, n);
      detail::store_channels(math::aggregate(h, column), u.token(b) + c, n);
    });
  });
}

template <class Arch, bool Threads, class T, class S, int N>
void aggregate_vjp_impl(simd_policy<Arch, Threads> const& policy, vector_view<T const, N> h_pre,
                        stream_view<S const, N> x, token_view<S const> u_gradient, vector_view<T, N> h_pre_gradient,
                        stream_view<S, N> x_gradient, update mode) {
  using V = detail::lanes<T, Arch>;
  for_each(policy, x.size, [&](std::ptrdiff_t b) {
    auto const h = detail::broadcast_row<math::vec<V, N>>(h_pre.data + b * N);
    auto total = math::filled<N>(V(T(0)));
    detail::for_channels<V>(x.channels, [&](std::ptrdiff_t c, std::ptrdiff_t n) {
      V const g = detail::load_channels<V>(u_gradient.token(b) + c, n);
      math::add_scaled(g, detail::load_streams<V, N>(x.stream(b, 0) + c, x.channels, n), total);
      auto gx = mode == update::accumulate ? detail::load_streams<V, N>(x_gradient.stream(b, 0) + c, x.channels, n)
                                           : math::filled<N>(V(T(0)));
      math::add_scaled(g, h, gx);
      detail::store_streams(gx, x_gradient.stream(b, 0) + c, x.channels, n);
    });
    for (int i = 0; i < N; ++i) h_pre_gradient(b, i) = detail::sum_of_lanes(total[i]);
  });
}

}  // namespace mhc::cpu

MHC_END_LANES
