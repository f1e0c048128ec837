// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/streams.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/packs.cuh>

namespace mhc::cuda {

/// x_ic = weight · y_c for all N streams.
template <class T, class S, int N>
struct spread_channels {
  T weight;
  token_view<S const> y;
  stream_view<S, N> x;

  template <int W>
  __device__ void run(std::ptrdiff_t b, std::ptrdiff_t c) const {
    auto const value = detail::load_pack<T, W>(y.token(b) + c);
    detail::columns<T, N, W> column;
    MHC_UNROLL for (int w = 0; w < W; ++w) column.at[w] = math::filled<N>(weight * value.at[w]);
    detail::store_columns(column, x.stream(b, 0) + c, x.channels);
  }
};

/// u_c = Σ_i weight · x_ic.
template <class T, class S, int N>
struct sum_channels {
  T weight;
  stream_view<S const, N> x;
  token_view<S> u;

  template <int W>
  __device__ void run(std::ptrdiff_t b, std::ptrdiff_t c) const {
    auto const h = math::filled<N>(weight);
    auto const column = detail::load_columns<T, N, W>(x.stream(b, 0) + c, x.channels);
    detail::pack<T, W> sum;
    MHC_UNROLL for (int w = 0; w < W; ++w) sum.at[w] = math::aggregate(h, column.at[w]);
    detail::store_pack(sum, u.token(b) + c);
  }
};

template <class T, class S, int N>
void launch_spread(policy const& where, char const* operation, T weight, token_view<S const> y, stream_view<S, N> x) {
  detail::for_channels<S>(where, operation, x.size, x.channels, detail::can_pack<S>(x.channels, x.data, y.data),
                          spread_channels<T, S, N>{weight, y, x});
}

template <class T, class S, int N>
void launch_sum(policy const& where, char const* operation, T weight, stream_view<S const, N> x, token_view<S> u) {
  detail::for_channels<S>(where, operation, x.size, x.channels, detail::can_pack<S>(x.channels, x.data, u.data),
                          sum_channels<T, S, N>{weight, x, u});
}

template <class S, int N>
void expand_impl(policy const& where, token_view<S const> y, stream_view<S, N> x) {
  detail::require_device_memory("mhc::expand", "y", y.data, "x", x.data);
  launch_spread(where, "mhc::expand", coefficient_t<S>(1), y, x);
}

template <class S, int N>
void expand_vjp_impl(policy const& where, stream_view<S const, N> x_gradient, token_view<S> y_gradient) {
  detail::require_device_memory("mhc::expand_vjp", "x_gradient", x_gradient.data, "y_gradient", y_gradient.data);
  launch_sum(where, "mhc::expand_vjp", coefficient_t<S>(1), x_gradient, y_gradient);
}

}  // namespace mhc::cuda
