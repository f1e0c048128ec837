// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/ops/gates/factors.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/sums.hpp>

#include <cstddef>
#include <type_traits>

/// @file
/// The two thin matrix products of the gates with φ, tiled in registers. For rows x of X and a few rows φ_k of Φ, all
/// of the same length: X Φᵀ, whose sums run along the lanes, and W Φ or Wᵀ X, whose results do.

MHC_BEGIN_LANES

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
/// taken by itself, so that rounding errors grow with n and the number of calls, not with their product. Factors go in
/// registers D, sums in V.
/// On the way, aside(c, lanes, own) is called for every register of a row, and aside.phi(k, c, lanes, p) with every one of
/// φ; at the end aside.done(own). `own` is a register that is zero at first.
template <class V, class D, int R, int K, class E, std::ptrdiff_t L, class T, class Aside>
inline void add_dot_products(E const (*row)[L], auto const* phi, auto stride, std::ptrdiff_t n, T* total,
                             Aside const& beside) {
  Aside const aside = beside;  // in registers, whatever it writes to
  V sum[R * K], own(T(0));
  MHC_UNROLL for (int r = 0; r < R; ++r) MHC_UNROLL for (int k = 0; k < K; ++k) sum[r * K + k] = V(T(0));
  for_channels<D>(n, [&](std::ptrdiff_t c, auto lanes) MHC_ALWAYS_INLINE {
    aside(c, lanes, own);
    D p[K];
    MHC_UNROLL for (int k = 0; k < K; ++k) {
      p[k] = load_factors<D>(phi + k * stride + c, lanes);
      hold(p[k]);
      aside.phi(k, c, lanes, p[k]);
    }
    MHC_UNROLL for (int r = 0; r < R; ++r) {
      D x = load_factors<D>(row[r] + c, lanes);
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

/// Σ_p w(m, p) in(p, c) for M rows and W registers of columns, whole but for a last one. first(m, c, lanes, sums) sets what
/// the sums of a row begin with, last(m, c, lanes, sums) gets them.
template <class V, int M, int W, class T, class First, class Last>
inline void update_tile(std::ptrdiff_t m, weights_in_memory<T> w, rows_in_memory<T const> in, std::ptrdiff_t terms,
                        std::ptrdiff_t c, auto lanes, First const& first_of_all, Last const& last_of_all) {
  First const first = first_of_all;  // in registers, whatever they write to
  Last const last = last_of_all;
  V sum[M][W];
  MHC_UNROLL for (int i = 0; i < M; ++i) first(m + i, c, lanes, sum[i]);
  for (std::ptrdiff_t p = 0; p < terms; ++p) {
    V b[W];
    MHC_UNROLL for (int j = 0; j < W; ++j) {
      b[j] = load_channels<V>(in(p, c + j * width<V>), lanes);
      hold(b[j]);
    }
    MHC_UNROLL for (int i = 0; i < M; ++i) {
      V const a(w(m + i, p));
      MHC_UNROLL for (int j = 0; j < W; ++j) sum[i][j] = multiply_add(a, b[j], sum[i][j]);
    }
  }
  MHC_UNROLL for (int i = 0; i < M; ++i) last(m + i, c, lanes, sum[i]);
}

/// The same for all m < rows and c < n: every sum in the order of p, whatever the tile.
template <class V, class T, class First, class Last>
inline void add_product(std::ptrdiff_t rows, weights_in_memory<T> w, rows_in_memory<T const> in, std::ptrdiff_t terms,
                        std::ptrdiff_t n, First const& first, Last const& last) {
  constexpr int M = update_rows<V>, W = update_registers<V>;
  auto const some_rows = [&]<int R>(std::integral_constant<int, R>, std::ptrdiff_t m) {
    std::ptrdiff_t c = 0;
    constexpr std::integral_constant<std::ptrdiff_t, width<V>> whole;
    for (; c + W * width<V> <= n; c += W * width<V>) update_tile<V, R, W>(m, w, in, terms, c, whole, first, last);
    for_channels<V>(
        n - c, [&](std::ptrdiff_t e, auto lanes) { update_tile<V, R, 1>(m, w, in, terms, c + e, lanes, first, last); });
  };
  std::ptrdiff_t m = 0;
  for (; m + M <= rows; m += M) some_rows(std::integral_constant<int, M>{}, m);
  for (; m < rows; ++m) some_rows(std::integral_constant<int, 1>{}, m);
}

}  // namespace mhc::detail

MHC_END_LANES
