// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/large_tensors.hpp>
#include <mhc/ops/sums.hpp>

MHC_BEGIN_LANES

namespace mhc::cpu {

/// Neighbouring channels in the lanes, tokens over the threads.
template <class Arch, bool Threads, class T, class S, int N>
void aggregate_impl(simd_policy<Arch, Threads> const& policy, vector_view<T const, N> h_pre, stream_view<S const, N> x,
                    token_view<S> u) {
  using V = detail::line_lanes<S, Arch>;
  detail::at_level_of(x, detail::writing::little, [&](auto first_level) MHC_ALWAYS_INLINE {
    for_each_token<V>(policy, u, [&](std::ptrdiff_t b, bool past) MHC_FLATTEN {
      auto const h = detail::broadcast_row<math::vec<V, N>>(h_pre.data + b * N);
      auto const from = detail::rows_of<V>(x, b);
      auto const to = detail::rows_of<V>(u, b);
      detail::for_channels<V>(x.channels, [&](std::ptrdiff_t c, auto n) MHC_ALWAYS_INLINE {
        from.prefetch_next(first_level, c);
        to.store(past, {math::aggregate(h, from.load(c, n))}, c, n);
      });
    });
  });
}

template <class Arch, bool Threads, class T, class S, int N>
void aggregate_vjp_impl(simd_policy<Arch, Threads> const& policy, vector_view<T const, N> h_pre,
                        stream_view<S const, N> x, token_view<S const> u_gradient, vector_view<T, N> h_pre_gradient,
                        stream_view<S, N> x_gradient, update mode) {
  using V = detail::line_lanes<S, Arch>;
  bool const adds = mode == update::accumulate;
  auto const where = adds ? detail::destination::cache : detail::destination::by_size;
  auto const written = adds ? detail::writing::sums : detail::writing::streams;
  detail::at_level_of(x, written, [&](auto first_level) MHC_ALWAYS_INLINE {
    for_each_token<V>(policy, x_gradient, where, [&](std::ptrdiff_t b, bool past) MHC_FLATTEN {
      auto const h = detail::broadcast_row<math::vec<V, N>>(h_pre.data + b * N);
      auto const from = detail::rows_of<V>(x, b);
      auto const gradient = detail::rows_of<V>(u_gradient, b);
      auto const to = detail::rows_of<V>(x_gradient, b);
      auto total = math::filled<N>(V(T(0)));
      detail::for_channels<V>(x.channels, [&](std::ptrdiff_t c, auto n) MHC_ALWAYS_INLINE {
        from.prefetch_next(first_level, c);
        gradient.prefetch_next(c);
        V const g = gradient.load(c, n)[0];
        math::add_scaled(g, from.load(c, n), total);
        auto gx = adds ? to.load(c, n) : math::filled<N>(V(T(0)));
        math::add_scaled(g, h, gx);
        to.store(past, gx, c, n);
      });
      detail::sums_of_lanes(total, h_pre_gradient.data + b * N);
    });
  });
}

}  // namespace mhc::cpu

MHC_END_LANES
