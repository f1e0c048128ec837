// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/tiles.hpp>

namespace mhc::cpu {

template <class T, class S, int N>
void aggregate_impl(sequential_policy const&, vector_view<T const, N> h_pre, stream_view<S const, N> x,
                    token_view<S> u) {
  for (std::ptrdiff_t b = 0; b < x.size; ++b) {
    auto const h = detail::load_row<math::vec<T, N>>(h_pre.data, b);
    for (std::ptrdiff_t c = 0; c < x.channels; ++c)
      u.token(b)[c] = S(math::aggregate(h, detail::load_channel<N>(x.stream(b, 0), x.channels, c)));
  }
}

template <class T, class S, int N>
void aggregate_vjp_impl(sequential_policy const&, vector_view<T const, N> h_pre, stream_view<S const, N> x,
                        token_view<S const> u_gradient, vector_view<T, N> h_pre_gradient, stream_view<S, N> x_gradient,
                        update mode) {
  for (std::ptrdiff_t b = 0; b < x.size; ++b) {
    auto const h = detail::load_row<math::vec<T, N>>(h_pre.data, b);
    auto total = math::filled<N>(T(0));
    detail::for_blocks(x.channels, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
      auto part = math::filled<N>(T(0));
      for (std::ptrdiff_t c = begin; c < end; ++c) {
        T const g = u_gradient.token(b)[c];
        math::add_scaled(g, detail::load_channel<N>(x.stream(b, 0), x.channels, c), part);
        auto gx = mode == update::accumulate ? detail::load_channel<N>(x_gradient.stream(b, 0), x.channels, c)
                                             : math::filled<N>(T(0));
        math::add_scaled(g, h, gx);
        detail::store_channel(gx, x_gradient.stream(b, 0), x.channels, c);
      }
      math::add_scaled(T(1), part, total);
    });
    detail::store_row(total, h_pre_gradient.data, b);
  }
}

}  // namespace mhc::cpu
