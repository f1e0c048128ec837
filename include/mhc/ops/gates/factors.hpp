// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/elements.hpp>
#include <mhc/ops/lanes.hpp>

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

/// @file
/// As what rows of x and φ are multiplied with each other: registers of what the sums are of, or, where both are of bfloat16
/// and the instruction set multiplies such numbers, of 32 of them.

MHC_BEGIN_LANES

namespace mhc::detail {

#if defined(__AVX512BF16__)

/// Products of two neighbours, which are exact, go into one sum. A subnormal number counts as zero.
struct bfloat16_pairs {
  static constexpr std::size_t size = 32;
  using register_type = __m512i;
  register_type data;

  bfloat16_pairs() = default;
  explicit bfloat16_pairs(register_type v) : data(v) {}
};

inline __mmask32 first_of_pairs(std::ptrdiff_t n) { return static_cast<__mmask32>((std::uint64_t(1) << n) - 1); }

template <class V>
MHC_ALWAYS_INLINE inline V multiply_add(bfloat16_pairs const& a, bfloat16_pairs const& b, V const& sum) {
  return V(_mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a.data), reinterpret_cast<__m512bh>(b.data)));
}
MHC_ALWAYS_INLINE inline void hold(bfloat16_pairs& a) { asm("" : "+v"(a.data)); }

template <class V, class X, class F>
inline constexpr bool multiplies_pairs =
    std::is_same_v<X, bfloat16> && std::is_same_v<F, bfloat16> && sizeof(V) == 64 && !is_raised<V>;

/// A register of factors of x and φ.
template <class V, class X, class F>
using factors_of = std::conditional_t<multiplies_pairs<V, X, F>, bfloat16_pairs, V>;

#else

template <class V, class X, class F>
using factors_of = V;

#endif

/// What such registers are made of.
template <class D>
struct factor_element {
  using type = math::scalar_of<D>;
};

/// The first n factors from p on; zero beyond.
template <class D, class S>
MHC_ALWAYS_INLINE inline D load_factors(S const* p, std::ptrdiff_t n) {
  return load_channels<D>(p, n);
}
template <class D, class T>
MHC_ALWAYS_INLINE inline void store_factors(D const& a, T* p) {
  store_elements(a, p);
}

/// A register of units of 8 bytes for one of float.
template <class V>
struct wider;
template <class Arch>
struct wider<xsimd::batch<float, Arch>> {
  using type = xsimd::batch<double, Arch>;
};
template <class Level>
struct wider<raised<float, Level>> {
  using type = raised<double, Level>;
};
/// A register V as units of as many of its lanes, 1 or 2: what is moved together.
template <class V, int Lanes>
using units_of = typename std::conditional_t<Lanes == 1, std::type_identity<V>, wider<V>>::type;

/// The same bits as another register.
template <class To, class From>
MHC_ALWAYS_INLINE inline To same_bits(From const& a) {
  if constexpr (std::is_same_v<To, From>) {
    return a;
  } else if constexpr (is_raised<To>) {
    To r;
    r.data.v = reinterpret_cast<decltype(r.data.v)>(a.data.v);
    return r;
  } else {
    return To(std::bit_cast<typename To::register_type>(a.data));
  }
}

#if defined(__AVX512BF16__)
template <>
struct factor_element<bfloat16_pairs> {
  using type = bfloat16;
};
template <>
MHC_ALWAYS_INLINE inline bfloat16_pairs load_factors<bfloat16_pairs>(bfloat16 const* p, std::ptrdiff_t n) {
  return bfloat16_pairs(n == width<bfloat16_pairs> ? _mm512_loadu_si512(p)
                                                   : _mm512_maskz_loadu_epi16(first_of_pairs(n), p));
}
MHC_ALWAYS_INLINE inline void store_factors(bfloat16_pairs const& a, bfloat16* p) { _mm512_storeu_si512(p, a.data); }
#endif

/// The unit at p in all places.
template <class D, class Units, class E>
MHC_ALWAYS_INLINE inline D repeat_unit(E const* p) {
  math::scalar_of<Units> unit;
  std::memcpy(&unit, p, sizeof unit);
  return same_bits<D>(Units(unit));
}

}  // namespace mhc::detail

MHC_END_LANES
