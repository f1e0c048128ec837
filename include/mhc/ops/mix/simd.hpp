// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/mix/types.hpp>

MHC_BEGIN_LANES

namespace mhc::cpu {

/// Neighbouring channels in the lanes, tokens over the threads.
template <class Arch, bool Threads, class T, class S, int N>
void mix_impl(simd_policy<Arch, Threads> const& policy, batch_view<T const, N> h_res, vector_view<T const, N> h_post,
              stream_view<S const, N> x, token_view<S const> y, stream_view<S, N> x_next) {
  using V = detail::lanes<T, Arch>;
  for_each(policy, x.size, [&](std::ptrdiff_t b) {
    auto const res = detail::broadcast_row<math::tile<V, N>>(h_res.data + b * N * N);
    auto const post = detail::broadcast_row<math::vec<V, N>>(h_post.data + b * N);
    detail::for_channels<V>(x.channels, [&](std::ptrdiff_t c, std::ptrdiff_t n) {
      auto const column = detail::load_streams<V, N>(x.stream(b, 0) + c, x.channels, n);
      V const layer = detail::load_channels<V>(y.token(b) + c, n);
      detail::store_streams(math::mix(res, post, column, layer), x_next.stream(b, 0) + c, x.channels, n);
    });
  });
}

/// All four gradients in one pass: x, y and ∂loss/∂x' are read once.
template <class Arch, bool Threads, class S, int N>
void mix_vjp_impl(simd_policy<Arch, Threads> const& policy, mix_vjp_arguments<S, N> const& a) {
  using T = coefficient_t<S>;
  using V = detail::lanes<T, Arch>;
  std::ptrdiff_t const channels = a.x.channels;
  for_each(policy, a.x.size, [&](std::ptrdiff_t b) {
    auto const res = detail::broadcast_row<math::tile<V, N>>(a.h_res.data + b * N * N);
    auto const post = detail::broadcast_row<math::vec<V, N>>(a.h_post.data + b * N);
    math::tile<V, N> res_total;
    for (int k = 0; k < N * N; ++k) res_total[k] = V(T(0));
    auto post_total = math::filled<N>(V(T(0)));
    detail::for_channels<V>(channels, [&](std::ptrdiff_t c, std::ptrdiff_t n) {
      auto const g = detail::load_streams<V, N>(a.x_next_gradient.stream(b, 0) + c, channels, n);
      math::add_outer(g, detail::load_streams<V, N>(a.x.stream(b, 0) + c, channels, n), res_total);
      math::add_scaled(detail::load_channels<V>(a.y.token(b) + c, n), g, post_total);
      auto gx = math::mix_transposed(res, g);
      if (a.x_gradient_update == update::accumulate)
        math::add_scaled(V(T(1)), detail::load_streams<V, N>(a.x_gradient.stream(b, 0) + c, channels, n), gx);
      detail::store_streams(gx, a.x_gradient.stream(b, 0) + c, channels, n);
      detail::store_channels(math::aggregate(post, g), a.y_gradient.token(b) + c, n);
    });
    for (int k = 0; k < N * N; ++k) a.h_res_gradient.data[b * N * N + k] = detail::sum_of_lanes(res_total[k]);
    for (int i = 0; i < N; ++i) a.h_post_gradient(b, i) = detail::sum_of_lanes(post_total[i]);
  });
}

}  // namespace mhc::cpu

MHC_END_LANES
