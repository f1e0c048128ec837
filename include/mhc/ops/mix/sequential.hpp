// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/mix/types.hpp>
#include <mhc/ops/tiles.hpp>

namespace mhc::cpu {

template <class T, class S, int N>
void mix_impl(sequential_policy const&, batch_view<T const, N> h_res, vector_view<T const, N> h_post,
              stream_view<S const, N> x, token_view<S const> y, stream_view<S, N> x_next) {
  for (std::ptrdiff_t b = 0; b < x.size; ++b) {
    auto const res = detail::load_row<math::tile<T, N>>(h_res.data, b);
    auto const post = detail::load_row<math::vec<T, N>>(h_post.data, b);
    for (std::ptrdiff_t c = 0; c < x.channels; ++c) {
      auto const column = detail::load_channel<N>(x.stream(b, 0), x.channels, c);
      T const layer = y.token(b)[c];
      detail::store_channel(math::mix(res, post, column, layer), x_next.stream(b, 0), x.channels, c);
    }
  }
}

template <class S, int N>
void mix_vjp_impl(sequential_policy const&, mix_vjp_arguments<S, N> const& a) {
  using T = coefficient_t<S>;
  std::ptrdiff_t const channels = a.x.channels;
  for (std::ptrdiff_t b = 0; b < a.x.size; ++b) {
    auto const res = detail::load_row<math::tile<T, N>>(a.h_res.data, b);
    auto const post = detail::load_row<math::vec<T, N>>(a.h_post.data, b);
    math::tile<T, N> res_total{};
    math::vec<T, N> post_total{};
    detail::for_blocks(channels, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
      math::tile<T, N> res_part{};
      math::vec<T, N> post_part{};
      for (std::ptrdiff_t c = begin; c < end; ++c) {
        auto const g = detail::load_channel<N>(a.x_next_gradient.stream(b, 0), channels, c);
        math::add_outer(g, detail::load_channel<N>(a.x.stream(b, 0), channels, c), res_part);
        math::add_scaled(T(a.y.token(b)[c]), g, post_part);
        auto gx = math::mix_transposed(res, g);
        if (a.x_gradient_update == update::accumulate)
          math::add_scaled(T(1), detail::load_channel<N>(a.x_gradient.stream(b, 0), channels, c), gx);
        detail::store_channel(gx, a.x_gradient.stream(b, 0), channels, c);
        a.y_gradient.token(b)[c] = S(math::aggregate(post, g));
      }
      for (int k = 0; k < N * N; ++k) res_total[k] += res_part[k];
      math::add_scaled(T(1), post_part, post_total);
    });
    detail::store_row(res_total, a.h_res_gradient.data, b);
    detail::store_row(post_total, a.h_post_gradient.data, b);
  }
}

}  // namespace mhc::cpu
