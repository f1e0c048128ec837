// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/ops/bundle.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/shuffles.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>
#include <utility>

/// @file
/// One problem per lane: rows of memory to registers and back, which is a transpose.

MHC_BEGIN_LANES

namespace mhc::detail {

template <class V, int K>
inline constexpr bool shuffles_rows = (is_raised<V> || shuffles_any) && K % quad<math::scalar_of<V>> == 0;

/// Lane w of the registers r(0) … r(K − 1) takes row w of `rows`, K elements each.
template <class V, int K, class T, class F>
MHC_ALWAYS_INLINE inline void load_lanes(T const* rows, F const& r) {
  if constexpr (shuffles_rows<V, K>) {
    constexpr int Q = quad<T>;
    MHC_UNROLL for (int k = 0; k < K; k += Q) {
      raw_of<V> some[Q];
      MHC_UNROLL for (int q = 0; q < Q; ++q) some[q] = gather_quads<raw_of<V>>(rows + q * K + k, Q * K);
      transpose_quads(some);
      MHC_UNROLL for (int q = 0; q < Q; ++q) r(k + q) = from_raw<V>(some[q]);
    }
  } else {
    constexpr int W = static_cast<int>(V::size);
    stage<V, K> s;
    for (int w = 0; w < W; ++w)
      for (int k = 0; k < K; ++k) s.at[k][w] = rows[w * K + k];
    MHC_UNROLL for (int k = 0; k < K; ++k) r(k) = V::load_aligned(s.at[k]);
  }
}

/// And back. Rows of whole registers of four blocks are put together before they are stored: the processor stores as many
/// registers in a cycle as pieces of 128 bits, or half as many.
template <class V, int K, class T, class F>
MHC_ALWAYS_INLINE inline void store_lanes(F const& r, T* rows) {
  constexpr int W = static_cast<int>(V::size), Q = quad<T>;
  if constexpr (shuffles_rows<V, K> && W == 4 * Q && K % W == 0) {
    MHC_UNROLL for (int k = 0; k < K; k += W) {
      raw_of<V> some[Q][4];
      MHC_UNROLL for (int b = 0; b < 4; ++b) {
        raw_of<V> column[Q];
        MHC_UNROLL for (int q = 0; q < Q; ++q) column[q] = to_raw(r(k + b * Q + q));
        transpose_quads(column);
        MHC_UNROLL for (int q = 0; q < Q; ++q) some[q][b] = column[q];
      }
      MHC_UNROLL for (int q = 0; q < Q; ++q) {
        transpose_blocks<T>(some[q]);
        MHC_UNROLL for (int b = 0; b < 4; ++b) store_raw(some[q][b], rows + (b * Q + q) * K + k);
      }
    }
  } else if constexpr (shuffles_rows<V, K>) {
    MHC_UNROLL for (int k = 0; k < K; k += Q) {
      raw_of<V> some[Q];
      MHC_UNROLL for (int q = 0; q < Q; ++q) some[q] = to_raw(r(k + q));
      transpose_quads(some);
      MHC_UNROLL for (int q = 0; q < Q; ++q) scatter_quads(some[q], rows + q * K + k, Q * K);
    }
  } else {
    stage<V, K> s;
    MHC_UNROLL for (int k = 0; k < K; ++k) r(k).store_aligned(s.at[k]);
    for (int w = 0; w < W; ++w)
      for (int k = 0; k < K; ++k) rows[w * K + k] = s.at[k][w];
  }
}

/// What `Registers`, a vec or tile, consists of.
template <class Registers>
using lane_type_of = std::decay_t<decltype(std::declval<Registers const&>()[0])>;

/// Lane w takes row first + w of rows of Registers::count elements. Lanes from n on repeat the last row; they hold
/// numbers like any other and are never stored, so a last group needs no scalar path.
template <class Registers, class T>
  requires(Registers::count > 0)
MHC_ALWAYS_INLINE inline Registers load_rows(T const* data, std::ptrdiff_t first, std::ptrdiff_t n) {
  using parts = registers_of<lane_type_of<Registers>>;
  using V = typename parts::type;
  constexpr int K = Registers::count;
  constexpr std::ptrdiff_t all = parts::count * width<V>;
  alignas(64) T padded[all * K];
  T const* rows = data + first * K;
  if (n < all) {
    std::copy_n(rows, n * K, padded);
    for (std::ptrdiff_t w = n; w < all; ++w) std::copy_n(rows + (n - 1) * K, K, padded + w * K);
    rows = padded;
  }
  Registers a;
  MHC_UNROLL for (int g = 0; g < parts::count; ++g) {
    load_lanes<V, K>(rows + g * width<V> * K, [&](int k) MHC_ALWAYS_INLINE -> V& { return parts::at(a[k], g); });
  }
  return a;
}

template <class Registers, class T>
  requires(Registers::count > 0)
MHC_ALWAYS_INLINE inline void store_rows(Registers const& a, T* data, std::ptrdiff_t first, std::ptrdiff_t n) {
  using parts = registers_of<lane_type_of<Registers>>;
  using V = typename parts::type;
  constexpr int K = Registers::count;
  constexpr std::ptrdiff_t all = parts::count * width<V>;
  alignas(64) T padded[all * K];
  T* const rows = data + first * K;
  MHC_UNROLL for (int g = 0; g < parts::count; ++g) {
    T* const to = (n == all ? rows : padded) + g * width<V> * K;
    auto const part = [&](int k) MHC_ALWAYS_INLINE { return math::loaded(parts::at(a[k], g)); };
    if constexpr (parts::count == 1) {
      store_lanes<V, K>(part, to);
    } else {  // with gradients of several registers in hand g++ keeps fewer of them in memory
      V r[K];
      MHC_UNROLL for (int k = 0; k < K; ++k) r[k] = part(k);
      store_lanes<V, K>([&](int k) MHC_ALWAYS_INLINE { return r[k]; }, to);
    }
  }
  if (n != all) std::copy_n(padded, n * K, rows);
}

/// A residual connection has no scores: rows of nothing.
template <class Registers, class T>
  requires(Registers::count == 0)
inline Registers load_rows(T const*, std::ptrdiff_t, std::ptrdiff_t) {
  return {};
}
template <class Registers, class T>
  requires(Registers::count == 0)
inline void store_rows(Registers const&, T*, std::ptrdiff_t, std::ptrdiff_t) {}

}  // namespace mhc::detail

MHC_END_LANES
