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
/// The instructions of `detail::raised` on registers of 64 bytes; as in <mhc/ops/lanes_avx2.hpp>.

// GCC bug 105593: it takes the operand that is nothing on purpose, in its own header, for a mistake.
#  if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#    pragma GCC diagnostic push
#    pragma GCC diagnostic ignored "-Wuninitialized"
#    pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#  endif

namespace mhc::detail {

template <>
struct instructions<float, cpu::level::avx512> {
  static constexpr std::size_t size = 16;
  struct type {
    __m512 v;
  };
  struct mask {
    __mmask16 v;
  };

  MHC_AVX512 static void fill(type& r, float x) { r.v = _mm512_set1_ps(x); }
  MHC_AVX512 static void load(type& r, float const* p) { r.v = _mm512_loadu_ps(p); }
  MHC_AVX512 static void store(type const& a, float* p) { *reinterpret_cast<in_memory<float, 16>::type*>(p) = a.v; }
  MHC_AVX512 static void add(type& r, type const& a, type const& b) { r.v = _mm512_add_ps(a.v, b.v); }
  MHC_AVX512 static void subtract(type& r, type const& a, type const& b) { r.v = _mm512_sub_ps(a.v, b.v); }
  MHC_AVX512 static void multiply(type& r, type const& a, type const& b) { r.v = _mm512_mul_ps(a.v, b.v); }
  MHC_AVX512 static void divide(type& r, type const& a, type const& b) { r.v = _mm512_div_ps(a.v, b.v); }
  MHC_AVX512 static void quotient(type& r, type const& a, type const& b) {
    __m512 const some = _mm512_rcp14_ps(b.v), error = _mm512_fnmadd_ps(b.v, some, _mm512_set1_ps(1));
    r.v = _mm512_mul_ps(a.v, _mm512_fmadd_ps(some, error, some));
  }
  MHC_AVX512 static void multiply_add(type& r, type const& a, type const& b, type const& c) {
    r.v = _mm512_fmadd_ps(a.v, b.v, c.v);
  }
  MHC_AVX512 static void negate(type& r, type const& a) { r.v = _mm512_xor_ps(a.v, _mm512_set1_ps(-0.F)); }
  MHC_AVX512 static void square_root(type& r, type const& a) { r.v = _mm512_sqrt_ps(a.v); }
  MHC_AVX512 static void maximum(type& r, type const& a, type const& b) { r.v = _mm512_max_ps(b.v, a.v); }
  MHC_AVX512 static void minimum(type& r, type const& a, type const& b) { r.v = _mm512_min_ps(b.v, a.v); }

  static void fill_mask(mask& r, bool x) { r.v = static_cast<__mmask16>(x ? 0xffff : 0); }
  MHC_AVX512 static void less(mask& r, type const& a, type const& b) { r.v = _mm512_cmp_ps_mask(a.v, b.v, _CMP_LT_OQ); }
  static void either(mask& r, mask const& a, mask const& b) { r.v = static_cast<__mmask16>(a.v | b.v); }
  static bool any(mask const& m) { return m.v != 0; }
  MHC_AVX512 static void select(type& r, mask const& m, type const& a, type const& b) {
    r.v = _mm512_mask_blend_ps(m.v, b.v, a.v);
  }

  MHC_AVX512 static void hold(type& a) { asm("" : "+v"(a.v)); }

  MHC_AVX512 static void scale(type& r, type const& a, type const& n) { r.v = _mm512_scalef_ps(a.v, n.v); }
  MHC_AVX512 static void split(type const& a, type& mantissa, type& exponent) {
    __m512i const low = _mm512_set1_epi32(0x3f3504f3);  // √½
    __m512i const u = _mm512_sub_epi32(_mm512_castps_si512(a.v), low);
    exponent.v = _mm512_cvtepi32_ps(_mm512_srai_epi32(u, 23));
    mantissa.v = _mm512_castsi512_ps(_mm512_add_epi32(_mm512_and_si512(u, _mm512_set1_epi32(0x007fffff)), low));
  }

  MHC_AVX512 static void gather_quads(type& r, float const* p, std::ptrdiff_t pitch) {
    __m256 const low = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + pitch), 1);
    p += 2 * pitch;
    __m256 const high = _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(p)), _mm_loadu_ps(p + pitch), 1);
    r.v = _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1);
  }
  MHC_AVX512 static void scatter_quads(type const& a, float* p, std::ptrdiff_t pitch) {
    _mm_storeu_ps(p, _mm512_castps512_ps128(a.v));
    _mm_storeu_ps(p + pitch, _mm512_extractf32x4_ps(a.v, 1));
    _mm_storeu_ps(p + 2 * pitch, _mm512_extractf32x4_ps(a.v, 2));
    _mm_storeu_ps(p + 3 * pitch, _mm512_extractf32x4_ps(a.v, 3));
  }
  MHC_AVX512 static void even_places(type& r, type const& a, type const& b) { r.v = _mm512_shuffle_ps(a.v, b.v, 0x88); }
  MHC_AVX512 static void odd_places(type& r, type const& a, type const& b) { r.v = _mm512_shuffle_ps(a.v, b.v, 0xdd); }
  MHC_AVX512 static void even_blocks(type& r, type const& a, type const& b) {
    r.v = _mm512_shuffle_f32x4(a.v, b.v, 0x88);
  }
  MHC_AVX512 static void odd_blocks(type& r, type const& a, type const& b) {
    r.v = _mm512_shuffle_f32x4(a.v, b.v, 0xdd);
  }

#  if defined(MHC_SHUFFLE_VECTOR)
  /// The sums of neighbours among groups of Half lanes: those of a, then those of b.
  template <int Half, int... W>
  MHC_AVX512 static void fold(type& r, type const& a, type const& b, std::integer_sequence<int, W...>) {
    r.v = __builtin_shufflevector(a.v, b.v, (W / Half * 2 * Half + W % Half)...) +
          __builtin_shufflevector(a.v, b.v, (W / Half * 2 * Half + W % Half + Half)...);
  }
#  endif

  MHC_AVX512 static void load(type& r, half const* p) {
    r.v = _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<__m256i const*>(p)));
  }
  MHC_AVX512 static void load(type& r, bfloat16 const* p) {
    __m256i const u = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(p));
    r.v = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(u), 16));
  }
  template <class S>
    requires is_short_v<S>
  MHC_AVX512 static void store(type const& a, S* p) {
    __m256i s;
    round(s, a, p);
    using places = in_memory<std::uint16_t, 16>::type;
    *reinterpret_cast<places*>(p) = reinterpret_cast<places>(s);
  }
  template <class S>
  MHC_AVX512 static void store_past_cache(type const& a, S* p) {
    if constexpr (is_short_v<S>) {
      __m256i s;
      round(s, a, p);
      _mm256_stream_si256(reinterpret_cast<__m256i*>(p), s);
    } else {
      _mm512_stream_ps(p, a.v);
    }
  }

  /// 32 short elements at once: bfloat16 at even and at odd places, half the first and the last. `store_line` in the same
  /// order.
  MHC_AVX512 static void load_line(type& a, type& b, bfloat16 const* p) {
    __m512i const u = _mm512_loadu_si512(p);
    a.v = _mm512_castsi512_ps(_mm512_slli_epi32(u, 16));
    b.v = _mm512_castsi512_ps(_mm512_and_si512(u, _mm512_set1_epi32(upper_half)));
  }
  MHC_AVX512 static void load_line(type& a, type& b, half const* p) {
    load(a, p);
    load(b, p + size);
  }
  template <class S>
  MHC_AVX512 static void store_line(type const& a, type const& b, S* p) {
    __m512i s;
    round_line(s, a, b, p);
    using places = in_memory<std::uint16_t, 32>::type;
    *reinterpret_cast<places*>(p) = reinterpret_cast<places>(s);
  }
  template <class S>
  MHC_AVX512 static void store_line_past_cache(type const& a, type const& b, S* p) {
    __m512i s;
    round_line(s, a, b, p);
    _mm512_stream_si512(reinterpret_cast<__m512i*>(p), s);
  }

 private:
  static constexpr int upper_half = static_cast<int>(0xffff0000U);

  MHC_AVX512 static void round_line(__m512i& r, type const& a, type const& b, half const* p) {
    __m256i first, last;
    round(first, a, p);
    round(last, b, p);
    r = _mm512_inserti64x4(_mm512_castsi256_si512(first), last, 1);
  }
  /// A NaN, which must not be rounded up to infinity, is rare, and so are subnormal numbers, of which the instruction for
  /// this makes zeros.
  MHC_AVX512 static void round_line(__m512i& r, type const& a, type const& b, bfloat16 const* /*p*/) {
#  if defined(__AVX512BF16__)
    constexpr int subnormal = 0x20;
    if ((_mm512_fpclass_ps_mask(a.v, subnormal) | _mm512_fpclass_ps_mask(b.v, subnormal)) == 0) {
      alignas(64) static constexpr std::uint16_t in_turn[] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                              21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                              11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
      __m512i const order = _mm512_load_si512(in_turn);
      r = _mm512_permutexvar_epi16(order, reinterpret_cast<__m512i>(_mm512_cvtne2ps_pbh(b.v, a.v)));
      return;
    }
#  endif
    __m512i even, odd;
    round_in_place(even, a);
    round_in_place(odd, b);
    if (_mm512_cmp_ps_mask(a.v, b.v, _CMP_UNORD_Q) != 0) {
      keep_nan(even, a);
      keep_nan(odd, b);
    }
    r = _mm512_mask_blend_epi16(0xaaaaaaaaU, _mm512_srli_epi32(even, 16), odd);
  }
  /// The upper half of r is a as bfloat16.
  MHC_AVX512 static void round_in_place(__m512i& r, type const& a) {
    __m512i const u = _mm512_castps_si512(a.v), sum = _mm512_add_epi32(u, _mm512_set1_epi32(0x7fff));
    r = _mm512_mask_add_epi32(sum, _mm512_test_epi32_mask(u, _mm512_set1_epi32(0x10000)), sum, _mm512_set1_epi32(1));
  }
  MHC_AVX512 static void keep_nan(__m512i& r, type const& a) {
    __mmask16 const nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
    r = _mm512_mask_or_epi32(r, nan, _mm512_castps_si512(a.v), _mm512_set1_epi32(0x400000));
  }
  MHC_AVX512 static void round(__m256i& r, type const& a, half const*) {
    r = _mm512_cvtps_ph(a.v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  }
  MHC_AVX512 static void round(__m256i& r, type const& a, bfloat16 const*) {
    __m512i const u = _mm512_castps_si512(a.v), upper = _mm512_srli_epi32(u, 16);
    __m512i const odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
    __m512i const sum = _mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), odd);
    __mmask16 const nan = _mm512_cmp_ps_mask(a.v, a.v, _CMP_UNORD_Q);
    __m512i const s = _mm512_mask_or_epi32(_mm512_srli_epi32(sum, 16), nan, upper, _mm512_set1_epi32(0x40));
    r = _mm512_cvtepi32_epi16(s);
  }
};

template <>
struct instructions<double, cpu::level::avx512> {
  static constexpr std::size_t size = 8;
  struct type {
    __m512d v;
  };
  struct mask {
    __mmask8 v;
  };

  MHC_AVX512 static void fill(type& r, double x) { r.v = _mm512_set1_pd(x); }
  MHC_AVX512 static void load(type& r, double const* p) { r.v = _mm512_loadu_pd(p); }
  MHC_AVX512 static void store(type const& a, double* p) { *reinterpret_cast<in_memory<double, 8>::type*>(p) = a.v; }
  MHC_AVX512 static void add(type& r, type const& a, type const& b) { r.v = _mm512_add_pd(a.v, b.v); }
  MHC_AVX512 static void subtract(type& r, type const& a, type const& b) { r.v = _mm512_sub_pd(a.v, b.v); }
  MHC_AVX512 static void multiply(type& r, type const& a, type const& b) { r.v = _mm512_mul_pd(a.v, b.v); }
  MHC_AVX512 static void divide(type& r, type const& a, type const& b) { r.v = _mm512_div_pd(a.v, b.v); }
  MHC_AVX512 static void quotient(type& r, type const& a, type const& b) {
    __m512d const one = _mm512_set1_pd(1), some = _mm512_rcp14_pd(b.v);
    __m512d const more = _mm512_fmadd_pd(some, _mm512_fnmadd_pd(b.v, some, one), some);
    r.v = _mm512_mul_pd(a.v, _mm512_fmadd_pd(more, _mm512_fnmadd_pd(b.v, more, one), more));
  }
  MHC_AVX512 static void multiply_add(type& r, type const& a, type const& b, type const& c) {
    r.v = _mm512_fmadd_pd(a.v, b.v, c.v);
  }
  MHC_AVX512 static void negate(type& r, type const& a) { r.v = _mm512_xor_pd(a.v, _mm512_set1_pd(-0.)); }
  MHC_AVX512 static void square_root(type& r, type const& a) { r.v = _mm512_sqrt_pd(a.v); }
  MHC_AVX512 static void maximum(type& r, type const& a, type const& b) { r.v = _mm512_max_pd(b.v, a.v); }
  MHC_AVX512 static void minimum(type& r, type const& a, type const& b) { r.v = _mm512_min_pd(b.v, a.v); }

  static void fill_mask(mask& r, bool x) { r.v = static_cast<__mmask8>(x ? 0xff : 0); }
  MHC_AVX512 static void less(mask& r, type const& a, type const& b) { r.v = _mm512_cmp_pd_mask(a.v, b.v, _CMP_LT_OQ); }
  static void either(mask& r, mask const& a, mask const& b) { r.v = static_cast<__mmask8>(a.v | b.v); }
  static bool any(mask const& m) { return m.v != 0; }
  MHC_AVX512 static void select(type& r, mask const& m, type const& a, type const& b) {
    r.v = _mm512_mask_blend_pd(m.v, b.v, a.v);
  }

  MHC_AVX512 static void hold(type& a) { asm("" : "+v"(a.v)); }

  MHC_AVX512 static void scale(type& r, type const& a, type const& n) { r.v = _mm512_scalef_pd(a.v, n.v); }
  MHC_AVX512 static void split(type const& a, type& mantissa, type& exponent) {
    __m512i const low = _mm512_set1_epi64(0x3fe6a09e667f3bcd);  // √½
    __m512i const u = _mm512_sub_epi64(_mm512_castpd_si512(a.v), low);
    exponent.v = _mm512_cvtepi64_pd(_mm512_srai_epi64(u, 52));
    mantissa.v = _mm512_castsi512_pd(_mm512_add_epi64(_mm512_and_si512(u, _mm512_set1_epi64(0x000fffffffffffff)), low));
  }

  MHC_AVX512 static void gather_quads(type& r, double const* p, std::ptrdiff_t pitch) {
    __m256d const low = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p)), _mm_loadu_pd(p + pitch), 1);
    p += 2 * pitch;
    __m256d const high = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(p)), _mm_loadu_pd(p + pitch), 1);
    r.v = _mm512_insertf64x4(_mm512_castpd256_pd512(low), high, 1);
  }
  MHC_AVX512 static void scatter_quads(type const& a, double* p, std::ptrdiff_t pitch) {
    _mm_storeu_pd(p, _mm512_castpd512_pd128(a.v));
    _mm_storeu_pd(p + pitch, _mm512_extractf64x2_pd(a.v, 1));
    _mm_storeu_pd(p + 2 * pitch, _mm512_extractf64x2_pd(a.v, 2));
    _mm_storeu_pd(p + 3 * pitch, _mm512_extractf64x2_pd(a.v, 3));
  }
  MHC_AVX512 static void even_places(type& r, type const& a, type const& b) { r.v = _mm512_unpacklo_pd(a.v, b.v); }
  MHC_AVX512 static void odd_places(type& r, type const& a, type const& b) { r.v = _mm512_unpackhi_pd(a.v, b.v); }
  MHC_AVX512 static void even_blocks(type& r, type const& a, type const& b) {
    r.v = _mm512_shuffle_f64x2(a.v, b.v, 0x88);
  }
  MHC_AVX512 static void odd_blocks(type& r, type const& a, type const& b) {
    r.v = _mm512_shuffle_f64x2(a.v, b.v, 0xdd);
  }
#  if defined(MHC_SHUFFLE_VECTOR)
  /// The sums of neighbours among groups of Half lanes: those of a, then those of b.
  template <int Half, int... W>
  MHC_AVX512 static void fold(type& r, type const& a, type const& b, std::integer_sequence<int, W...>) {
    r.v = __builtin_shufflevector(a.v, b.v, (W / Half * 2 * Half + W % Half)...) +
          __builtin_shufflevector(a.v, b.v, (W / Half * 2 * Half + W % Half + Half)...);
  }
#  endif

  MHC_AVX512 static void store_past_cache(type const& a, double* p) { _mm512_stream_pd(p, a.v); }
};

}  // namespace mhc::detail

#  if defined(__GNUC__) && !defined(__clang__) && __GNUC__ < 13
#    pragma GCC diagnostic pop
#  endif

#endif
