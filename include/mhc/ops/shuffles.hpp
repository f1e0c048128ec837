// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/math/lane.hpp>
#include <mhc/ops/lanes.hpp>

#include <bit>
#include <cstddef>
#include <type_traits>
#include <utility>

/// @file
/// Elements exchanged between registers, in pieces of 128 bits and within them.

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

/// The blocks of 128 bits of even or odd place of a, then of b.
template <class T, int Parity, class V>
  requires is_raised<V>
inline V every_second_block(V const& a, V const& b) {
  V r;
  if constexpr (Parity == 0)
    V::on::even_blocks(r.data, a.data, b.data);
  else
    V::on::odd_blocks(r.data, a.data, b.data);
  return r;
}

/// Elements from pieces of 128 bits, `pitch` elements apart, and back.
template <class V, class T>
  requires is_raised<V>
inline V gather_quads(T const* p, std::ptrdiff_t pitch) {
  V r;
  V::on::gather_quads(r.data, p, pitch);
  return r;
}
template <class V, class T>
  requires is_raised<V>
inline void scatter_quads(V const& v, T* p, std::ptrdiff_t pitch) {
  V::on::scatter_quads(v.data, p, pitch);
}
template <class V, class T>
  requires is_raised<V>
inline void store_raw(V const& v, T* p) {
  v.store_unaligned(p);
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

template <class T, int Parity, class R>
MHC_ALWAYS_INLINE inline R every_second_block(R const& a, R const& b) {
  return [&]<int... W>(std::integer_sequence<int, W...>) MHC_ALWAYS_INLINE {
    return __builtin_shufflevector(a, b, ((W / quad<T> * 2 + Parity) * quad<T> + W % quad<T>)...);
  }(std::make_integer_sequence<int, static_cast<int>(sizeof(R) / sizeof(T))>{});
}

template <class R, class T>
MHC_ALWAYS_INLINE inline R gather_quads(T const* p, std::ptrdiff_t pitch) {
  constexpr int W = static_cast<int>(sizeof(R) / sizeof(T));
  using raw = raw_vector<T, W>;
  if constexpr (W == quad<T>) {
    return R(*reinterpret_cast<typename raw::in_memory const*>(p));
#  if defined(__AVX512F__) && defined(MHC_LEVELS)
  } else if constexpr (sizeof(R) == sizeof(__m512)) {
    // g++ would shuffle, through one port of the core.
    typename instructions<T, cpu::level::avx512>::type r;
    instructions<T, cpu::level::avx512>::gather_quads(r, p, pitch);
    return reinterpret_cast<R>(r.v);
#  endif
  } else {
    using half_register = typename raw_vector<T, W / 2>::type;
    half_register const low = gather_quads<half_register>(p, pitch),
                        high = gather_quads<half_register>(p + W / 2 / quad<T> * pitch, pitch);
    return [&]<int... K>(std::integer_sequence<int, K...>) MHC_ALWAYS_INLINE {
      return R(__builtin_shufflevector(low, high, K...));
    }(std::make_integer_sequence<int, W>{});
  }
}

template <class R, class T>
MHC_ALWAYS_INLINE inline void scatter_quads(R const& v, T* p, std::ptrdiff_t pitch) {
  constexpr int W = static_cast<int>(sizeof(R) / sizeof(T));
  if constexpr (W == quad<T>) {
    *reinterpret_cast<typename raw_vector<T, W>::in_memory*>(p) = v;
#  if defined(__AVX512F__) && defined(MHC_LEVELS)
  } else if constexpr (sizeof(R) == sizeof(__m512)) {
    using on = instructions<T, cpu::level::avx512>;
    on::scatter_quads({reinterpret_cast<decltype(on::type::v)>(v)}, p, pitch);
#  endif
  } else {
    [&]<int... K>(std::integer_sequence<int, K...>) MHC_ALWAYS_INLINE {
      using half_register = typename raw_vector<T, W / 2>::type;
      scatter_quads(half_register(__builtin_shufflevector(v, v, K...)), p, pitch);
      scatter_quads(half_register(__builtin_shufflevector(v, v, (K + W / 2)...)), p + W / 2 / quad<T> * pitch, pitch);
    }(std::make_integer_sequence<int, W / 2>{});
  }
}

template <class R, class T>
MHC_ALWAYS_INLINE inline void store_raw(R const& v, T* p) {
  *reinterpret_cast<typename raw_vector<T, static_cast<int>(sizeof(R) / sizeof(T))>::in_memory*>(p) = v;
}

inline constexpr bool shuffles_any = true;
#else
inline constexpr bool shuffles_any = false;
#endif

/// What shuffles work on: the compiler's own vector for a register, and back; a register of a level is what it is.
template <class V>
MHC_ALWAYS_INLINE inline auto to_raw(V const& v) {
#if defined(MHC_SHUFFLE_VECTOR)
  if constexpr (!is_raised<V>)
    return std::bit_cast<typename raw_vector<math::scalar_of<V>, static_cast<int>(V::size)>::type>(v.data);
  else
#endif
    return math::loaded(v);
}
template <class V, class R>
MHC_ALWAYS_INLINE inline V from_raw(R const& r) {
  if constexpr (is_raised<V>)
    return r;
  else
    return V(std::bit_cast<typename V::register_type>(r));
}
template <class V>
using raw_of = decltype(to_raw(std::declval<V const&>()));

/// The transpose of Q registers of Q places, of which second(parity, a, b) gives every second of a, then of b.
template <class R, int Q, class F>
MHC_ALWAYS_INLINE inline void transpose(R (&r)[Q], F const& second) {
  MHC_UNROLL for (int round = 1; round < Q; round *= 2) {
    R next[Q];
    MHC_UNROLL for (int k = 0; k < Q / 2; ++k) {
      next[k] = second(std::integral_constant<int, 0>{}, r[2 * k], r[2 * k + 1]);
      next[k + Q / 2] = second(std::integral_constant<int, 1>{}, r[2 * k], r[2 * k + 1]);
    }
    MHC_UNROLL for (int k = 0; k < Q; ++k) r[k] = next[k];
  }
}

/// The transpose of each block of 128 bits of Q registers.
template <class R, int Q>
MHC_ALWAYS_INLINE inline void transpose_quads(R (&r)[Q]) {
  transpose(r, [](auto parity, R const& a, R const& b) MHC_ALWAYS_INLINE { return every_second<parity>(a, b); });
}
/// The transpose of four registers of four blocks.
template <class T, class R>
MHC_ALWAYS_INLINE inline void transpose_blocks(R (&r)[4]) {
  transpose(r,
            [](auto parity, R const& a, R const& b) MHC_ALWAYS_INLINE { return every_second_block<T, parity>(a, b); });
}

}  // namespace mhc::detail

MHC_END_LANES
