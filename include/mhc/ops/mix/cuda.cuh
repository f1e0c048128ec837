// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/streams.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/mix/types.hpp>
#include <mhc/ops/packs.cuh>
#include <mhc/ops/tiles.hpp>

namespace mhc::cuda {

/// A thread mixes one pack of channels; the coefficients of its token come from cache.
template <class T, class S, int N>
struct mix_channels {
  batch_view<T const, N> h_res;
  vector_view<T const, N> h_post;
  stream_view<S const, N> x;
  token_view<S const> y;
  stream_view<S, N> x_next;

  template <int W>
  __device__ void run(std::ptrdiff_t b, std::ptrdiff_t c) const {
    auto const res = detail::load_row<math::tile<T, N>>(h_res.data, b);
    auto const post = detail::load_row<math::vec<T, N>>(h_post.data, b);
    auto const column = detail::load_columns<T, N, W>(x.stream(b, 0) + c, x.channels);
    auto const layer = detail::load_pack<T, W>(y.token(b) + c);
    detail::columns<T, N, W> next;
    MHC_UNROLL for (int w = 0; w < W; ++w) next.at[w] = math::mix(res, post, column.at[w], layer.at[w]);
    detail::store_columns(next, x_next.stream(b, 0) + c, x.channels);
  }
};

template <class T, class S, int N>
void mix_impl(policy const& where, batch_view<T const, N> h_res, vector_view<T const, N> h_post,
              stream_view<S const, N> x, token_view<S const> y, stream_view<S, N> x_next) {
  detail::require_device_memory("mhc::mix", "h_res", h_res.data, "h_post", h_post.data, "x", x.data, "y", y.data,
                                "x_next", x_next.data);
  detail::for_channels<S>(where, "mhc::mix", x.size, x.channels,
                          detail::can_pack<S>(x.channels, x.data, y.data, x_next.data),
                          mix_channels<T, S, N>{h_res, h_post, x, y, x_next});
}

/// All four gradients in one pass, a block per token: x, y and ∂loss/∂x' are read once.
template <int W, int Threads, class S, int N>
__global__ void __launch_bounds__(Threads) mix_vjp_kernel(mix_vjp_arguments<S, N> a) {
  using T = coefficient_t<S>;
  std::ptrdiff_t const channels = a.x.channels;
  for (std::ptrdiff_t b = blockIdx.x; b < a.x.size; b += gridDim.x) {
    auto const res = detail::load_row<math::tile<T, N>>(a.h_res.data, b);
    auto const post = detail::load_row<math::vec<T, N>>(a.h_post.data, b);
    math::tile<T, N> res_sum{};
    math::vec<T, N> post_sum{};
    for (std::ptrdiff_t c = static_cast<std::ptrdiff_t>(threadIdx.x) * W; c < channels; c += Threads * W) {
      auto const g = detail::load_columns<T, N, W>(a.x_next_gradient.stream(b, 0) + c, channels);
      auto const x = detail::load_columns<T, N, W>(a.x.stream(b, 0) + c, channels);
      auto const y = detail::load_pack<T, W>(a.y.token(b) + c);
      detail::columns<T, N, W> gx;
      detail::pack<T, W> gy;
      MHC_UNROLL for (int w = 0; w < W; ++w) {
        math::add_outer(g.at[w], x.at[w], res_sum);
        math::add_scaled(y.at[w], g.at[w], post_sum);
        gx.at[w] = math::mix_transposed(res, g.at[w]);
        gy.at[w] = math::aggregate(post, g.at[w]);
      }
      if (a.x_gradient_update == update::accumulate) {
        auto const old = detail::load_columns<T, N, W>(a.x_gradient.stream(b, 0) + c, channels);
        MHC_UNROLL for (int w = 0; w < W; ++w) math::add_scaled(T(1), old.at[w], gx.at[w]);
      }
      detail::store_columns(gx, a.x_gradient.stream(b, 0) + c, channels);
      detail::store_pack(gy, a.y_gradient.token(b) + c);
    }
    T sum[N * N + N];
    MHC_UNROLL for (int k = 0; k < N * N; ++k) sum[k] = res_sum[k];
    MHC_UNROLL for (int i = 0; i < N; ++i) sum[N * N + i] = post_sum[i];
    detail::sum_over_block<Threads>(sum, [&](int k, T value) {
      if (k < N * N)
        a.h_res_gradient.data[b * N * N + k] = value;
      else
        a.h_post_gradient.data[b * N + k - N * N] = value;
    });
  }
}

template <class S, int N>
void mix_vjp_impl(policy const& where, mix_vjp_arguments<S, N> const& a) {
  detail::require_device_memory("mhc::mix_vjp", "h_res", a.h_res.data, "h_post", a.h_post.data, "x", a.x.data, "y",
                                a.y.data, "x_next_gradient", a.x_next_gradient.data, "h_res_gradient",
                                a.h_res_gradient.data, "h_post_gradient", a.h_post_gradient.data, "x_gradient",
                                a.x_gradient.data, "y_gradient", a.y_gradient.data);
  if (a.x.size == 0) return;
  constexpr int threads = 128, W = detail::pack_width<S>;
  bool const packed = detail::can_pack<S>(a.x.channels, a.x.data, a.y.data, a.x_next_gradient.data, a.x_gradient.data,
                                          a.y_gradient.data);
  detail::launch(where, "mhc::mix_vjp", packed ? mix_vjp_kernel<W, threads, S, N> : mix_vjp_kernel<1, threads, S, N>,
                 {detail::block_count(a.x.size, 1), threads}, a);
}

}  // namespace mhc::cuda
