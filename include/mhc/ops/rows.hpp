// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/ops/bundle.hpp>
#include <mhc/ops/lanes.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <type_traits>
#include <utility>

/// @file
/// One problem per lane: rows of memory to registers and back, which is a transpose.

MHC_BEGIN_LANES

namespace mhc::detail {

/// Elements in 128 bits, within which every instruction set can shuffle.
template <class T>
inline constexpr int quad = 16 / static_cast<int>(sizeof(T));

/// The elements of even (Parity 0) or odd place of each 128 bits of a, then of b.
template <int Parity, class V>
  requires is_raised<V>
inline V every_second(V const& a, V const& b) {
  V r;
  if constexpr (Parity == 0)
    V::on::even_places(r.data, a.data, b.data);
  else
    V::on::odd_places(r.data, a.data, b.data);
  return r;
}

#if defined(MHC_SHUFFLE_VECTOR)

/// W elements as the compiler's own vectors: in a register, and wherever they lie in memory.
template <class T, int W>
struct raw_vector {
  typedef T type __attribute__((vector_size(W * sizeof(T))));
  typedef T in_memory __attribute__((vector_size(W * sizeof(T)), aligned(sizeof(T)), may_alias));
};

template <int Parity, class R>
MHC_ALWAYS_INLINE inline R every_second(R const& a, R const& b) {
  return [&]<int... W>(std::integer_sequence<int, W...>) MHC_ALWAYS_INLINE {
    constexpr int size = sizeof...(W), q = 16 * size / static_cast<int>(sizeof(R));
    return __builtin_shufflevector(a, b, (W / q * q + W % q * 2 % q + Parity + (W % q * 2 < q ? 0 : size))...);
  }(std::make_integer_sequence<int, static_cast<int>(sizeof(R) / sizeof(a[0]))>{});
}
#endif

/// The transpose of each block of 128 bits of q registers.
template <class R, int Q>
MHC_ALWAYS_INLINE inline void transpose_quads(R (&r)[Q]) {
  MHC_UNROLL for (int round = 1; round < Q; round *= 2) {
    R next[Q];
    MHC_UNROLL for (int k = 0; k < Q / 2; ++k) {
      next[k] = every_second<0>(r[2 * k], r[2 * k + 1]);
      next[k + Q / 2] = every_second<1>(r[2 * k], r[2 * k + 1]);
    }
    MHC_UNROLL for (int k = 0; k < Q; ++k) r[k] = next[k];
  }
}

#if defined(MHC_SHUFFLE_VECTOR)

/// W elements from pieces of 128 bits, `pitch` elements apart.
template <class T, int W>
MHC_ALWAYS_INLINE inline auto gather_quads(T const* p, std::ptrdiff_t pitch) {
  using raw = raw_vector<T, W>;
  if constexpr (W == quad<T>) {
    return typename raw::type(*reinterpret_cast<typename raw::in_memory const*>(p));
#  if defined(__AVX512F__) && defined(MHC_LEVELS)
  } else if constexpr (sizeof(typename raw::type) == sizeof(__m512)) {
    // g++ would shuffle, through one port of the core.
    typename instructions<T, cpu::level::avx512>::type r;
    instructions<T, cpu::level::avx512>::gather_quads(r, p, pitch);
    return reinterpret_cast<typename raw::type>(r.v);
#  endif
  } else {
    auto const low = gather_quads<T, W / 2>(p, pitch);
    auto const high = gather_quads<T, W / 2>(p + W / 2 / quad<T> * pitch, pitch);
    return [&]<int... K>(std::integer_sequence<int, K...>) MHC_ALWAYS_INLINE {
      return typename raw::type(__builtin_shufflevector(low, high, K...));
    }(std::make_integer_sequence<int, W>{});
  }
}

template <class T, int W, class R>
MHC_ALWAYS_INLINE inline void scatter_quads(R const& v, T* p, std::ptrdiff_t pitch) {
  if constexpr (W == quad<T>) {
    *reinterpret_cast<typename raw_vector<T, W>::in_memory*>(p) = v;
#  if defined(__AVX512F__) && defined(MHC_LEVELS)
  } else if constexpr (sizeof(R) == sizeof(__m512)) {
    using on = instructions<T, cpu::level::avx512>;
    on::scatter_quads({reinterpret_cast<decltype(on::type::v)>(v)}, p, pitch);
#  endif
  } else {
    [&]<int... K>(std::integer_sequence<int, K...>) MHC_ALWAYS_INLINE {
      scatter_quads<T, W / 2>(__builtin_shufflevector(v, v, K...), p, pitch);
      scatter_quads<T, W / 2>(__builtin_shufflevector(v, v, (K + W / 2)...), p + W / 2 / quad<T> * pitch, pitch);
    }(std::make_integer_sequence<int, W / 2>{});
  }
}

template <class T, int K>
inline constexpr bool shuffles_rows = K % quad<T> == 0;

#else
template <class T, int K>
inline constexpr bool shuffles_rows = false;
#endif

/// Lane w of one register takes row w of `rows`; K elements each.
template <class V, int K, class T>
MHC_ALWAYS_INLINE inline void load_lanes(T const* rows, V (&r)[K]) {
  constexpr int W = static_cast<int>(V::size);
  if constexpr (is_raised<V> && K % quad<T> == 0) {
    constexpr int Q = quad<T>;
    MHC_UNROLL for (int k = 0; k < K; k += Q) {
      V some[Q];
      MHC_UNROLL for (int q = 0; q < Q; ++q) V::on::gather_quads(some[q].data, rows + q * K + k, Q * K);
      transpose_quads(some);
      MHC_UNROLL for (int q = 0; q < Q; ++q) r[k + q] = some[q];
    }
  } else if constexpr (shuffles_rows<T, K>) {
    constexpr int Q = quad<T>;
    MHC_UNROLL for (int k = 0; k < K; k += Q) {
      typename raw_vector<T, W>::type some[Q];
      MHC_UNROLL for (int q = 0; q < Q; ++q) some[q] = gather_quads<T, W>(rows + q * K + k, Q * K);
      transpose_quads(some);
      MHC_UNROLL for (int q = 0; q < Q; ++q) r[k + q] = V(std::bit_cast<typename V::register_type>(some[q]));
    }
  } else {
    stage<V, K> s;
    for (int w = 0; w < W; ++w)
      for (int k = 0; k < K; ++k) s.at[k][w] = rows[w * K + k];
    MHC_UNROLL for (int k = 0; k < K; ++k) r[k] = V::load_aligned(s.at[k]);
  }
}

template <class V, int K, class T>
MHC_ALWAYS_INLINE inline void store_lanes(V const (&r)[K], T* rows) {
  constexpr int W = static_cast<int>(V::size);
  if constexpr (is_raised<V> && K % quad<T> == 0) {
    constexpr int Q = quad<T>;
    MHC_UNROLL for (int k = 0; k < K; k += Q) {
      V some[Q];
      MHC_UNROLL for (int q = 0; q < Q; ++q) some[q] = r[k + q];
      transpose_quads(some);
      MHC_UNROLL for (int q = 0; q < Q; ++q) V::on::scatter_quads(some[q].data, rows + q * K + k, Q * K);
    }
  } else if constexpr (shuffles_rows<T, K>) {
    constexpr int Q = quad<T>;
    using raw = typename raw_vector<T, W>::type;
    MHC_UNROLL for (int k = 0; k < K; k += Q) {
      raw some[Q];
      MHC_UNROLL for (int q = 0; q < Q; ++q) some[q] = std::bit_cast<raw>(r[k + q].data);
      transpose_quads(some);
      MHC_UNROLL for (int q = 0; q < Q; ++q) scatter_quads<T, W>(some[q], rows + q * K + k, Q * K);
    }
  } else {
    stage<V, K> s;
    MHC_UNROLL for (int k = 0; k < K; ++k) r[k].store_aligned(s.at[k]);
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
    V r[K];
    load_lanes(rows + g * width<V> * K, r);
    MHC_UNROLL for (int k = 0; k < K; ++k) parts::at(a[k], g) = r[k];
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
    V r[K];
    MHC_UNROLL for (int k = 0; k < K; ++k) r[k] = math::loaded(parts::at(a[k], g));
    store_lanes(r, (n == all ? rows : padded) + g * width<V> * K);
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
