// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/sums.hpp>

#include <cstddef>

/// @file
/// The two thin matrix products of the gates with φ, tiled in registers. For rows x of X and a few rows φ_k of Φ, all
/// of the same length: X Φᵀ, whose sums run along the lanes, and W Φ or Wᵀ X, whose results do.

namespace mhc::detail {

/// Tiles that fill the registers there are, 32 of 64 bytes or 16: the sums, one operand, and one register of the other.
template <class V>
inline constexpr bool many_registers = sizeof(V) >= 64;
template <class V>
inline constexpr int dot_rows = many_registers<V> ? 8 : 4;
template <class V>
inline constexpr int dot_columns = 3;
template <class V>
inline constexpr int update_rows = many_registers<V> ? 8 : 4;
template <class V>
inline constexpr int update_registers = many_registers<V> ? 3 : 2;

/// total[r K + k] += row[r]·phi_k over n elements; phi_k lies `stride` elements behind phi_{k−1}. The sum over these n is
/// taken by itself, so that rounding errors grow with n and the number of calls, not with their product.
/// On the way, aside(c, lanes, own) is called for every register of a row, and aside.phi(k, c, lanes, p) with every one of
/// φ; at the end aside.done(own). `own` is a register that is zero at first.
template <class V, int R, int K, class T, std::ptrdiff_t L, class Aside>
inline void add_dot_products(T const (*row)[L], T const* phi, auto stride, std::ptrdiff_t n, T* total,
                             Aside const& beside) {
  Aside const aside = beside;  // in registers, whatever it writes to
  V sum[R * K], own(T(0));
  MHC_UNROLL for (int r = 0; r < R; ++r) MHC_UNROLL for (int k = 0; k < K; ++k) sum[r * K + k] = V(T(0));
  for_channels<V>(n, [&](std::ptrdiff_t c, auto lanes) MHC_ALWAYS_INLINE {
    aside(c, lanes, own);
    V p[K];
    MHC_UNROLL for (int k = 0; k < K; ++k) {
      p[k] = load_channels<V>(phi + k * stride + c, lanes);
      hold(p[k]);
      aside.phi(k, c, lanes, p[k]);
    }
    MHC_UNROLL for (int r = 0; r < R; ++r) {
      V x = load_channels<V>(row[r] + c, lanes);
      hold(x);
      MHC_UNROLL for (int k = 0; k < K; ++k) sum[r * K + k] = multiply_add(x, p[k], sum[r * K + k]);
    }
  });
  add_sums(sum, total);
  aside.done(own);
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
