// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/elements.hpp>
#include <mhc/ops/levels.hpp>

#if defined(MHC_LEVELS)

#  include <immintrin.h>

#  include <cstddef>
#  include <cstdint>
#  include <type_traits>
#  include <utility>

/// @file
/// The instructions of `detail::raised` on registers of 32 bytes. Each function carries its own instruction set, so that this
/// compiles whatever the flags are; arguments and results are references, because without AVX a call passes such a
/// register in another way than with it.

namespace mhc::detail {

template <>
struct instructions<float, cpu::level::avx2> {
  static constexpr std::size_t size = 8;
  struct type {
    __m256 v;
  };
  using mask = type;

  MHC_AVX2 static void fill(type& r, float x) { r.v = _mm256_set1_ps(x); }
  MHC_AVX2 static void load(type& r, float const* p) { r.v = _mm256_loadu_ps(p); }
  MHC_AVX2 static void store(type const& a, float* p) { *reinterpret_cast<in_memory<float, 8>::type*>(p) = a.v; }
  MHC_AVX2 static void add(type& r, type const& a, type const& b) { r.v = _mm256_add_ps(a.v, b.v); }
  MHC_AVX2 static void subtract(type& r, type const& a, type const& b) { r.v = _mm256_sub_ps(a.v, b.v); }
  MHC_AVX2 static void multiply(type& r, type const& a, type const& b) { r.v = _mm256_mul_ps(a.v, b.v); }
  MHC_AVX2 static void divide(type& r, type const& a, type const& b) { r.v = _mm256_div_ps(a.v, b.v); }
  MHC_AVX2 static void multiply_add(type& r, type const& a, type const& b, type const& c) {
    r.v = _mm256_fmadd_ps(a.v, b.v, c.v);
  }
  MHC_AVX2 static void negate(type& r, type const& a) { r.v = _mm256_xor_ps(a.v, _mm256_set1_ps(-0.F)); }
  MHC_AVX2 static void square_root(type& r, type const& a) { r.v = _mm256_sqrt_ps(a.v); }
  MHC_AVX2 static void maximum(type& r, type const& a, type const& b) { r.v = _mm256_max_ps(b.v, a.v); }
  MHC_AVX2 static void minimum(type& r, type const& a, type const& b) { r.v = _mm256_min_ps(b.v, a.v); }

  MHC_AVX2 static void fill_mask(mask& r, bool x) { r.v = _mm256_castsi256_ps(_mm256_set1_epi32(x ? -1 : 0)); }
  MHC_AVX2 static void less(mask& r, type const& a, type const& b) { r.v = _mm256_cmp_ps(a.v, b.v, _CMP_LT_OQ); }
  MHC_AVX2 static void either(mask& r, mask const& a, mask const& b) { r.v = _mm256_or_ps(a.v, b.v); }
  MHC_AVX2 static bool any(mask const& m) { return _mm256_movemask_ps(m.v) != 0; }
  MHC_AVX2 static void select(type& r, mask const& m, type const& a, type const& b) {
    r.v = _mm256_blendv_ps(b.v, a.v, m.v);
  }

  MHC_AVX2 static void hold(type& a) { asm("" : "+x"(a.v)); }

  /// In two factors, of which the first leaves a normal number, so that a subnormal result is rounded once.
  MHC_AVX2 static void scale(type& r, type const& a, type const& n) {
    __m256i const whole = _mm256_cvtps_epi32(n.v), half = _mm256_srai_epi32(whole, 1), bias = _mm256_set1_epi32(127);
    __m256i const first = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
    __m256i const second = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
    r.v = _mm256_mul_ps(_mm256_mul_ps(a.v, _mm256_castsi256_ps(first)), _mm256_castsi256_ps(second));
  }
  MHC_AVX2 static void split(type const& a, type& mantissa, type& exponent) {
    __m256i const low = _mm256_set1_epi32(0x3f3504f3);  // √½
    __m256i const u = _mm256_sub_epi32(_mm256_castps_si256(a.v), low);
    exponent.v = _mm256_cvtepi32_ps(_mm256_srai_epi32(u, 23));
    mantissa.v = _mm256_castsi256_ps(_mm256_add_epi32(_mm256_and_si256(u, _mm256_set1_epi32(0x007fffff)), low));
  }

  MHC_AVX2 static void gather_quads(type& r, float const* p, std::ptrdiff_t pitch) {
    r.v = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + pitch), 1);
  }
  MHC_AVX2 static void scatter_quads(type const& a, float* p, std::ptrdiff_t pitch) {
    _mm_storeu_ps(p, _mm256_castps256_ps128(a.v));
    _mm_storeu_ps(p + pitch, _mm256_extractf128_ps(a.v, 1));
  }
  MHC_AVX2 static void even_places(type& r, type const& a, type const& b) { r.v = _mm256_shuffle_ps(a.v, b.v, 0x88); }
  MHC_AVX2 static void odd_places(type& r, type const& a, type const& b) { r.v = _mm256_shuffle_ps(a.v, b.v, 0xdd); }

#  if defined(MHC_SHUFFLE_VECTOR)
  /// The sums of neighbours among groups of Half lanes: those of a, then those of b.
  template <int Half, int... W>
  MHC_AVX2 static void fold(type& r, type const& a, type const& b, std::integer_sequence<int, W...>) {
    r.v = __builtin_shufflevector(a.v, b.v, (W / Half * 2 * Half + W % Half)...) +
          __builtin_shufflevector(a.v, b.v, (W / Half * 2 * Half + W % Half + Half)...);
  }
#  endif

  MHC_AVX2 static void load(type& r, half const* p) {
    r.v = _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<__m128i const*>(p)));
  }
  MHC_AVX2 static void load(type& r, bfloat16 const* p) {
    __m128i const u = _mm_loadu_si128(reinterpret_cast<__m128i const*>(p));
    r.v = _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(u), 16));
  }
  template <class S>
    requires is_short_v<S>
  MHC_AVX2 static void store(type const& a, S* p) {
    __m128i s;
    round(s, a, p);
    using places = in_memory<std::uint16_t, 8>::type;
    *reinterpret_cast<places*>(p) = reinterpret_cast<places>(s);
  }
  template <class S>
  MHC_AVX2 static void store_past_cache(type const& a, S* p) {
    if constexpr (is_short_v<S>) {
      __m128i s;
      round(s, a, p);
      _mm_stream_si128(reinterpret_cast<__m128i*>(p), s);
    } else {
      _mm256_stream_ps(p, a.v);
    }
  }

 private:
  MHC_AVX2 static void round(__m128i& r, type const& a, half const*) {
    r = _mm256_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  MHC_AVX2 static void round(__m128i& r, type const& a, bfloat16 const*) {
    __m256i const u = _mm256_castps_si256(a.v), upper = _mm256_srli_epi32(u, 16);
    __m256i const odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
    __m256i const sum = _mm256_add_epi32(_mm256_add_epi32(u, _mm256_set1_epi32(0x7fff)), odd);
    __m256i const quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
    __m256i const nan = _mm256_castps_si256(_mm256_cmp_ps(a.v, a.v, _CMP_UNORD_Q));
    __m256i const s = _mm256_blendv_epi8(_mm256_srli_epi32(sum, 16), quiet, nan);
    r = _mm_packus_epi32(_mm256_castsi256_si128(s), _mm256_extracti128_si256(s, 1));
  }
};

template <>
struct instructions<double, cpu::level::avx2> {
  static constexpr std::size_t size = 4;
  struct type {
    __m256d v;
  };
  using mask = type;

  MHC_AVX2 static void fill(type& r, double x) { r.v = _mm256_set1_pd(x); }
  MHC_AVX2 static void load(type& r, double const* p) { r.v = _mm256_loadu_pd(p); }
  MHC_AVX2 static void store(type const& a, double* p) { *reinterpret_cast<in_memory<double, 4>::type*>(p) = a.v; }
  MHC_AVX2 static void add(type& r, type const& a, type const& b) { r.v = _mm256_add_pd(a.v, b.v); }
  MHC_AVX2 static void subtract(type& r, type const& a, type const& b) { r.v = _mm256_sub_pd(a.v, b.v); }
  MHC_AVX2 static void multiply(type& r, type const& a, type const& b) { r.v = _mm256_mul_pd(a.v, b.v); }
  MHC_AVX2 static void divide(type& r, type const& a, type const& b) { r.v = _mm256_div_pd(a.v, b.v); }
  MHC_AVX2 static void multiply_add(type& r, type const& a, type const& b, type const& c) {
    r.v = _mm256_fmadd_pd(a.v, b.v, c.v);
  }
  MHC_AVX2 static void negate(type& r, type const& a) { r.v = _mm256_xor_pd(a.v, _mm256_set1_pd(-0.)); }
  MHC_AVX2 static void square_root(type& r, type const& a) { r.v = _mm256_sqrt_pd(a.v); }
  MHC_AVX2 static void maximum(type& r, type const& a, type const& b) { r.v = _mm256_max_pd(b.v, a.v); }
  MHC_AVX2 static void minimum(type& r, type const& a, type const& b) { r.v = _mm256_min_pd(b.v, a.v); }

  MHC_AVX2 static void fill_mask(mask& r, bool x) { r.v = _mm256_castsi256_pd(_mm256_set1_epi32(x ? -1 : 0)); }
  MHC_AVX2 static void less(mask& r, type const& a, type const& b) { r.v = _mm256_cmp_pd(a.v, b.v, _CMP_LT_OQ); }
  MHC_AVX2 static void either(mask& r, mask const& a, mask const& b) { r.v = _mm256_or_pd(a.v, b.v); }
  MHC_AVX2 static bool any(mask const& m) { return _mm256_movemask_pd(m.v) != 0; }
  MHC_AVX2 static void select(type& r, mask const& m, type const& a, type const& b) {
    r.v = _mm256_blendv_pd(b.v, a.v, m.v);
  }

  MHC_AVX2 static void hold(type& a) { asm("" : "+x"(a.v)); }

  MHC_AVX2 static void scale(type& r, type const& a, type const& n) {
    __m128i const whole = _mm256_cvtpd_epi32(n.v), half = _mm_srai_epi32(whole, 1), bias = _mm_set1_epi32(1023);
    __m256i const first = _mm256_cvtepi32_epi64(_mm_add_epi32(half, bias));
    __m256i const second = _mm256_cvtepi32_epi64(_mm_add_epi32(_mm_sub_epi32(whole, half), bias));
    __m256d const part = _mm256_mul_pd(a.v, _mm256_castsi256_pd(_mm256_slli_epi64(first, 52)));
    r.v = _mm256_mul_pd(part, _mm256_castsi256_pd(_mm256_slli_epi64(second, 52)));
  }
  /// There is no conversion from integers of 64 bits: the biased exponent is put into the last places of 2^52.
  MHC_AVX2 static void split(type const& a, type& mantissa, type& exponent) {
    __m256i const low = _mm256_set1_epi64x(0x3fe6a09e667f3bcd);  // √½
    __m256i const u = _mm256_sub_epi64(_mm256_castpd_si256(a.v), low);
    __m256i const one = _mm256_set1_epi64x(0x3ff0000000000000), magic = _mm256_set1_epi64x(0x4330000000000000);
    __m256i const biased = _mm256_or_si256(_mm256_srli_epi64(_mm256_add_epi64(u, one), 52), magic);
    exponent.v = _mm256_sub_pd(_mm256_castsi256_pd(biased), _mm256_set1_pd(0x1p52 + 1023));
    mantissa.v =
        _mm256_castsi256_pd(_mm256_add_epi64(_mm256_and_si256(u, _mm256_set1_epi64x(0x000fffffffffffff)), low));
  }

  MHC_AVX2 static void gather_quads(type& r, double const* p, std::ptrdiff_t pitch) {
    r.v = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p)), _mm_loadu_pd(p + pitch), 1);
  }
  MHC_AVX2 static void scatter_quads(type const& a, double* p, std::ptrdiff_t pitch) {
    _mm_storeu_pd(p, _mm256_castpd256_pd128(a.v));
    _mm_storeu_pd(p + pitch, _mm256_extractf128_pd(a.v, 1));
  }
  MHC_AVX2 static void even_places(type& r, type const& a, type const& b) { r.v = _mm256_unpacklo_pd(a.v, b.v); }
  MHC_AVX2 static void odd_places(type& r, type const& a, type const& b) { r.v = _mm256_unpackhi_pd(a.v, b.v); }
#  if defined(MHC_SHUFFLE_VECTOR)
  /// The sums of neighbours among groups of Half lanes: those of a, then those of b.
  template <int Half, int... W>
  MHC_AVX2 static void fold(type& r, type const& a, type const& b, std::integer_sequence<int, W...>) {
    r.v = __builtin_shufflevector(a.v, b.v, (W / Half * 2 * Half + W % Half)...) +
          __builtin_shufflevector(a.v, b.v, (W / Half * 2 * Half + W % Half + Half)...);
  }
#  endif

  MHC_AVX2 static void store_past_cache(type const& a, double* p) { _mm256_stream_pd(p, a.v); }
};

}  // namespace mhc::detail

#endif
