// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/streams.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/packs.cuh>
#include <mhc/ops/tiles.hpp>

namespace mhc::cuda {

template <class T, class S, int N>
struct aggregate_channels {
  vector_view<T const, N> h_pre;
  stream_view<S const, N> x;
  token_view<S> u;

  template <int W>
  __device__ void run(std::ptrdiff_t b, std::ptrdiff_t c) const {
    auto const h = detail::load_row<math::vec<T, N>>(h_pre.data, b);
    auto const column = detail::load_columns<T, N, W>(x.stream(b, 0) + c, x.channels);
    detail::pack<T, W> sum;
    MHC_UNROLL for (int w = 0; w < W; ++w) sum.at[w] = math::aggregate(h, column.at[w]);
    detail::store_pack(sum, u.token(b) + c);
  }
};

template <class T, class S, int N>
void aggregate_impl(policy const& where, vector_view<T const, N> h_pre, stream_view<S const, N> x, token_view<S> u) {
  detail::require_device_memory("mhc::aggregate", "h_pre", h_pre.data, "x", x.data, "u", u.data);
  detail::for_channels<S>(where, "mhc::aggregate", x.size, x.channels, detail::can_pack<S>(x.channels, x.data, u.data),
                          aggregate_channels<T, S, N>{h_pre, x, u});
}

/// ∂/∂h_i = Σ_c x_ic ∂u_c for every token, a block each; and ∂/∂x_ic = h_i ∂u_c where it is wanted (data not null).
template <int W, int Threads, class T, class S, int N>
__global__ void __launch_bounds__(Threads)
    aggregate_vjp_kernel(vector_view<T const, N> h_pre, stream_view<S const, N> x, token_view<S const> u_gradient,
                         vector_view<T, N> h_pre_gradient, stream_view<S, N> x_gradient, update mode) {
  for (std::ptrdiff_t b = blockIdx.x; b < x.size; b += gridDim.x) {
    bool const whole = x_gradient.data != nullptr;
    auto const h = whole ? detail::load_row<math::vec<T, N>>(h_pre.data, b) : math::filled<N>(T(0));
    auto sum = math::filled<N>(T(0));
    for (std::ptrdiff_t c = static_cast<std::ptrdiff_t>(threadIdx.x) * W; c < x.channels; c += Threads * W) {
      auto const g = detail::load_pack<T, W>(u_gradient.token(b) + c);
      auto const column = detail::load_columns<T, N, W>(x.stream(b, 0) + c, x.channels);
      MHC_UNROLL for (int w = 0; w < W; ++w) math::add_scaled(g.at[w], column.at[w], sum);
      if (!whole) continue;
      detail::columns<T, N, W> gx{};
      if (mode == update::accumulate) gx = detail::load_columns<T, N, W>(x_gradient.stream(b, 0) + c, x.channels);
      MHC_UNROLL for (int w = 0; w < W; ++w) math::add_scaled(g.at[w], h, gx.at[w]);
      detail::store_columns(gx, x_gradient.stream(b, 0) + c, x.channels);
    }
    detail::sum_over_block<Threads>(sum.at, [&](int i, T value) { h_pre_gradient.data[b * N + i] = value; });
  }
}

template <class T, class S, int N>
void launch_aggregate_vjp(policy const& where, char const* operation, vector_view<T const, N> h_pre,
                          stream_view<S const, N> x, token_view<S const> u_gradient, vector_view<T, N> h_pre_gradient,
                          stream_view<S, N> x_gradient, update mode) {
  if (x.size == 0) return;
  constexpr int threads = 128, W = detail::pack_width<S>;
  bool const packed = detail::can_pack<S>(x.channels, x.data, u_gradient.data, x_gradient.data);
  detail::launch(where, operation,
                 packed ? aggregate_vjp_kernel<W, threads, T, S, N> : aggregate_vjp_kernel<1, threads, T, S, N>,
                 {detail::block_count(x.size, 1), threads}, h_pre, x, u_gradient, h_pre_gradient, x_gradient, mode);
}

template <class T, class S, int N>
void aggregate_vjp_impl(policy const& where, vector_view<T const, N> h_pre, stream_view<S const, N> x,
                        token_view<S const> u_gradient, vector_view<T, N> h_pre_gradient, stream_view<S, N> x_gradient,
                        update mode) {
  detail::require_device_memory("mhc::aggregate_vjp", "h_pre", h_pre.data, "x", x.data, "u_gradient", u_gradient.data,
                                "h_pre_gradient", h_pre_gradient.data, "x_gradient", x_gradient.data);
  launch_aggregate_vjp(where, "mhc::aggregate_vjp", h_pre, x, u_gradient, h_pre_gradient, x_gradient, mode);
}

}  // namespace mhc::cuda
