// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/elements.hpp>
#include <mhc/ops/levels.hpp>

#include <xsimd/xsimd.hpp>

#include <cstddef>
#include <type_traits>

/// @file
/// Between the elements of streams in memory and registers of what they are computed in. Rounding is that of
/// `bfloat16` and `half`, by the instructions there are. (AVX-512's own for bfloat16 make zeros of subnormal numbers.)

MHC_BEGIN_LANES

namespace mhc::detail {

/// The V::size elements from p on.
template <class V, class S>
inline V load_elements(S const* p) {
  if constexpr (!is_short_v<S>) {
    return V::load_unaligned(p);
  } else {
    alignas(64) float s[V::size];
    for (std::size_t w = 0; w < V::size; ++w) s[w] = p[w];
    return V::load_aligned(s);
  }
}

template <class V, class S>
inline void store_elements(V const& v, S* p) {
  if constexpr (!is_short_v<S>) {
    v.store_unaligned(p);
  } else {
    alignas(64) float s[V::size];
    v.store_aligned(s);
    for (std::size_t w = 0; w < V::size; ++w) p[w] = S(s[w]);
  }
}

#if defined(__AVX512F__)

template <class V, class S>
  requires(is_short_v<S> && sizeof(V) == 64 && !is_raised<V>)
inline V load_elements(S const* p) {
  __m256i const u = _mm256_loadu_si256(reinterpret_cast<__m256i const*>(p));
  if constexpr (std::is_same_v<S, half>)
    return _mm512_cvtph_ps(u);
  else
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(u), 16));
}

/// These lanes, rounded to S.
template <class S, class V>
  requires(is_short_v<S> && sizeof(V) == 64 && !is_raised<V>)
inline __m256i rounded_to(V const& v) {
  if constexpr (std::is_same_v<S, half>) {
    return _mm512_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  } else {
    __m512i const u = _mm512_castps_si512(v), upper = _mm512_srli_epi32(u, 16);
    __m512i const odd = _mm512_and_si512(upper, _mm512_set1_epi32(1));
    __m512i const sum = _mm512_add_epi32(_mm512_add_epi32(u, _mm512_set1_epi32(0x7fff)), odd);
    __mmask16 const nan = _mm512_cmp_ps_mask(v, v, _CMP_UNORD_Q);
    __m512i const r = _mm512_mask_or_epi32(_mm512_srli_epi32(sum, 16), nan, upper, _mm512_set1_epi32(0x40));
    return _mm512_cvtepi32_epi16(r);
  }
}

template <class V, class S>
  requires(is_short_v<S> && sizeof(V) == 64 && !is_raised<V>)
inline void store_elements(V const& v, S* p) {
  _mm256_storeu_si256(reinterpret_cast<__m256i*>(p), rounded_to<S>(v));
}

#endif

#if defined(__AVX2__) && defined(__F16C__)

template <class V, class S>
  requires(is_short_v<S> && sizeof(V) == 32 && !is_raised<V>)
inline V load_elements(S const* p) {
  __m128i const u = _mm_loadu_si128(reinterpret_cast<__m128i const*>(p));
  if constexpr (std::is_same_v<S, half>)
    return _mm256_cvtph_ps(u);
  else
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(u), 16));
}

template <class S, class V>
  requires(is_short_v<S> && sizeof(V) == 32 && !is_raised<V>)
inline __m128i rounded_to(V const& v) {
  if constexpr (std::is_same_v<S, half>) {
    return _mm256_cvtps_ph(v, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  } else {
    __m256i const u = _mm256_castps_si256(v), upper = _mm256_srli_epi32(u, 16);
    __m256i const odd = _mm256_and_si256(upper, _mm256_set1_epi32(1));
    __m256i const sum = _mm256_add_epi32(_mm256_add_epi32(u, _mm256_set1_epi32(0x7fff)), odd);
    __m256i const quiet = _mm256_or_si256(upper, _mm256_set1_epi32(0x40));
    __m256i const nan = _mm256_castps_si256(_mm256_cmp_ps(v, v, _CMP_UNORD_Q));
    __m256i const r = _mm256_blendv_epi8(_mm256_srli_epi32(sum, 16), quiet, nan);
    return _mm_packus_epi32(_mm256_castsi256_si128(r), _mm256_extracti128_si256(r, 1));
  }
}

template <class V, class S>
  requires(is_short_v<S> && sizeof(V) == 32 && !is_raised<V>)
inline void store_elements(V const& v, S* p) {
  _mm_storeu_si128(reinterpret_cast<__m128i*>(p), rounded_to<S>(v));
}

#endif

/// store_elements to a multiple of the register's size in S, past the cache where the instruction set can. Other threads
/// see it after `fence_past_cache`.
template <class V, class S>
inline void store_past_cache(V const& v, S* p) {
  if constexpr (is_raised<V>) return V::on::store_past_cache(v.data, p);
#if defined(__AVX512F__)
  if constexpr (sizeof(V) == 64 && !is_raised<V>) {
    if constexpr (is_short_v<S>)
      return _mm256_stream_si256(reinterpret_cast<__m256i*>(p), rounded_to<S>(v));
    else if constexpr (sizeof(S) == 4)
      return _mm512_stream_ps(p, v);
    else
      return _mm512_stream_pd(p, v);
  }
#endif
#if defined(__AVX2__) && defined(__F16C__)
  if constexpr (sizeof(V) == 32 && !is_raised<V>) {
    if constexpr (is_short_v<S>)
      return _mm_stream_si128(reinterpret_cast<__m128i*>(p), rounded_to<S>(v));
    else if constexpr (sizeof(S) == 4)
      return _mm256_stream_ps(p, v);
    else
      return _mm256_stream_pd(p, v);
  }
#endif
  if constexpr (!is_raised<V>) store_elements(v, p);
}

/// All stores past the cache by this thread have arrived before what it stores later.
inline void fence_past_cache() {
#if defined(__SSE2__)
  _mm_sfence();
#endif
}

}  // namespace mhc::detail

MHC_END_LANES
