// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/ops/lanes.hpp>

#include <cstddef>

/// @file
/// The two thin matrix products of the gates with φ, tiled in registers. For rows x of X and a few rows φ_k of Φ, all
/// of the same length: X Φᵀ, whose sums run along the lanes, and W Φ or Wᵀ X, whose results do.

MHC_BEGIN_LANES

namespace mhc::detail {

/// Tiles that fill the registers there are, 32 of 64 bytes or 16: the sums, one operand, and one register of the other.
template <class V>
inline constexpr bool many_registers = sizeof(V) >= 64;
template <class V>
inline constexpr int dot_rows = 4;
template <class V>
inline constexpr int dot_columns = many_registers<V> ? 6 : 2;
template <class V>
inline constexpr int update_rows = many_registers<V> ? 8 : 4;
template <class V>
inline constexpr int update_registers = many_registers<V> ? 3 : 2;

/// total[r][k] += row[r]·phi_k over n elements, lane by lane; phi_k lies `stride` elements behind phi_{k−1}. The sum over
/// these n is taken by itself, so that rounding errors grow with n and the number of calls, not with their product.
/// `ahead` is memory that will be wanted soon, n elements of it.
template <class V, int R, int K, class X, class P, class A>
inline void add_dot_products(X const* const (&row)[R], P const* phi, std::ptrdiff_t stride, std::ptrdiff_t n, V* total,
                             std::ptrdiff_t pitch, A const* ahead) {
  using T = math::scalar_of<V>;
  V sum[R][K];
  MHC_UNROLL for (int r = 0; r < R; ++r) MHC_UNROLL for (int k = 0; k < K; ++k) sum[r][k] = V(T(0));
  auto const step = [&](std::ptrdiff_t c, auto const& load) MHC_ALWAYS_INLINE {
    V x[R];
    MHC_UNROLL for (int r = 0; r < R; ++r) x[r] = load(row[r] + c);
    MHC_UNROLL for (int k = 0; k < K; ++k) {
      V p = load(phi + k * stride + c);
      hold(p);
      MHC_UNROLL for (int r = 0; r < R; ++r) sum[r][k] = multiply_add(x[r], p, sum[r][k]);
    }
  };
  std::ptrdiff_t c = 0;
  for (; c + width<V> <= n; c += width<V>) {
    prefetch(ahead + c);
    step(c, [](auto const* p) MHC_ALWAYS_INLINE { return load_elements<V>(p); });
  }
  if (c < n) step(c, [&](auto const* p) { return load_channels<V>(p, n - c); });
  MHC_UNROLL for (int r = 0; r < R; ++r) MHC_UNROLL for (int k = 0; k < K; ++k) total[r * pitch + k] =
      total[r * pitch + k] + sum[r][k];
}

/// total[r] += |row[r]|² over n elements, lane by lane.
template <class V, int R, class T>
inline void add_squares(T const* const (&row)[R], std::ptrdiff_t n, V* total, std::ptrdiff_t pitch) {
  MHC_UNROLL for (int r = 0; r < R; ++r) {
    V sum[2] = {V(T(0)), V(T(0))};
    std::ptrdiff_t c = 0;
    for (; c + 2 * width<V> <= n; c += 2 * width<V>) {
      V const a = V::load_unaligned(row[r] + c), b = V::load_unaligned(row[r] + c + width<V>);
      sum[0] = multiply_add(a, a, sum[0]);
      sum[1] = multiply_add(b, b, sum[1]);
    }
    for_channels<V>(n - c, [&](std::ptrdiff_t e, std::ptrdiff_t m) {
      V const a = load_channels<V>(row[r] + c + e, m);
      sum[0] = multiply_add(a, a, sum[0]);
    });
    total[r * pitch] = total[r * pitch] + (sum[0] + sum[1]);
  }
}

/// A matrix in memory of which a few columns are in use.
template <class T>
struct rows_in_memory {
  T* data;
  std::ptrdiff_t stride;
  T* operator()(std::ptrdiff_t row, std::ptrdiff_t column) const { return data + row * stride + column; }
};

/// Weights of a product, w(m, p), with either index the faster one.
template <class T>
struct weights_in_memory {
  T const* data;
  std::ptrdiff_t row_stride, column_stride;
  T operator()(std::ptrdiff_t m, std::ptrdiff_t p) const { return data[m * row_stride + p * column_stride]; }
};

/// out(m, c…) += Σ_p w(m, p) in(p, c…) for M rows and W registers of columns.
template <class V, int M, int W, class T>
inline void update_tile(rows_in_memory<T> out, std::ptrdiff_t m, weights_in_memory<T> w, rows_in_memory<T const> in,
                        std::ptrdiff_t terms, std::ptrdiff_t c) {
  V sum[M][W];
  MHC_UNROLL for (int i = 0; i < M; ++i) MHC_UNROLL for (int j = 0; j < W; ++j) sum[i][j] =
      V::load_unaligned(out(m + i, c + j * width<V>));
  for (std::ptrdiff_t p = 0; p < terms; ++p) {
    V b[W];
    MHC_UNROLL for (int j = 0; j < W; ++j) {
      b[j] = V::load_unaligned(in(p, c + j * width<V>));
      hold(b[j]);
    }
    MHC_UNROLL for (int i = 0; i < M; ++i) {
      V const a(w(m + i, p));
      MHC_UNROLL for (int j = 0; j < W; ++j) sum[i][j] = multiply_add(a, b[j], sum[i][j]);
    }
  }
  MHC_UNROLL for (int i = 0; i < M; ++i) MHC_UNROLL for (int j = 0; j < W; ++j) sum[i][j].store_unaligned(
      out(m + i, c + j * width<V>));
}

/// out(m, c) += Σ_p w(m, p) in(p, c) for all m < rows, p < terms, c < n: every sum in the order of p, whatever the tile.
template <class V, class T>
inline void add_product(rows_in_memory<T> out, std::ptrdiff_t rows, weights_in_memory<T> w, rows_in_memory<T const> in,
                        std::ptrdiff_t terms, std::ptrdiff_t n) {
  constexpr int M = update_rows<V>, W = update_registers<V>;
  std::ptrdiff_t c = 0;
  for (; c + W * width<V> <= n; c += W * width<V>) {
    std::ptrdiff_t m = 0;
    for (; m + M <= rows; m += M) update_tile<V, M, W>(out, m, w, in, terms, c);
    for (; m < rows; ++m) update_tile<V, 1, W>(out, m, w, in, terms, c);
  }
  for_channels<V>(n - c, [&](std::ptrdiff_t e, std::ptrdiff_t lanes) {
    for (std::ptrdiff_t m = 0; m < rows; ++m) {
      V sum = load_channels<V>(out(m, c + e), lanes);
      for (std::ptrdiff_t p = 0; p < terms; ++p)
        sum = multiply_add(V(w(m, p)), load_channels<V>(in(p, c + e), lanes), sum);
      store_channels(sum, out(m, c + e), lanes);
    }
  });
}

}  // namespace mhc::detail

MHC_END_LANES
