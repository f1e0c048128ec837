// SPDX-License-Identifier: MIT
#pragma once

#include "support/memory.hpp"

#include <mhc/ops/lanes.hpp>

#include <cstddef>
#include <cstring>

/// @file
/// What the machine gives at most, to k threads: the yardsticks of every operation.

namespace bench {

template <class T>
using lanes = mhc::detail::lanes<T, xsimd::default_arch>;

/// Two tensors of stream_bytes() that no case uses.
struct buffers {
  static constexpr std::ptrdiff_t alignment = 4096;
  std::ptrdiff_t bytes = stream_bytes() / alignment * alignment;
  block_of_pages from = filled(), to = filled();

  static buffers& shared() {
    static buffers the_buffers;
    return the_buffers;
  }

 private:
  block_of_pages filled() const {
    block_of_pages p = untouched_pages(static_cast<std::size_t>(bytes));
    std::memset(p.get(), 1, static_cast<std::size_t>(bytes));
    return p;
  }
};

/// f(first, count) for every thread's part of `size` bytes, whole pages.
template <class F>
void for_each_part(int threads, std::ptrdiff_t size, F&& f) {
  std::ptrdiff_t const pages = size / buffers::alignment;
  mhc::cpu::simd_policy<xsimd::default_arch, true> const policy{threads};
  mhc::cpu::for_each(policy, threads, [&](std::ptrdiff_t t) {
    std::ptrdiff_t const first = pages * t / threads, last = pages * (t + 1) / threads;
    f(first * buffers::alignment, (last - first) * buffers::alignment);
  });
}

/// Loads every register of memory once, several lines on their way at a time.
inline void read_all(std::byte const* p, std::ptrdiff_t bytes) {
  using V = lanes<float>;
  constexpr int ways = 8;
  constexpr std::ptrdiff_t step = ways * mhc::detail::width<V>;
  auto const* const x = reinterpret_cast<float const*>(p);
  std::ptrdiff_t const count = bytes / static_cast<std::ptrdiff_t>(sizeof(float));
  mhc::math::vec<V, ways> sum;
  MHC_UNROLL for (int i = 0; i < ways; ++i) sum[i] = V(0.F);
  for (std::ptrdiff_t at = 0; at + step <= count; at += step) {
    for (std::ptrdiff_t line = 0; line < step; line += 16) mhc::detail::prefetch(x, at + 1024 + line);
    MHC_UNROLL for (int i = 0; i < ways; ++i) sum[i] += V::load_aligned(x + at + i * mhc::detail::width<V>);
  }
  MHC_UNROLL for (int i = 1; i < ways; ++i) sum[0] += sum[i];
  benchmark::DoNotOptimize(sum[0]);
}

/// Past the cache on its way out where the processor has such stores, else std::memcpy.
inline void copy_past_cache(std::byte const* from, std::byte* to, std::ptrdiff_t bytes) {
#if defined(__AVX512F__)
  for (std::ptrdiff_t at = 0; at < bytes; at += 64) {
    __builtin_prefetch(from + at + 4096);
    _mm512_stream_si512(reinterpret_cast<__m512i*>(to + at), _mm512_load_si512(from + at));
  }
  _mm_sfence();
#elif defined(__AVX__)
  for (std::ptrdiff_t at = 0; at < bytes; at += 64) {
    __builtin_prefetch(from + at + 4096);
    for (std::ptrdiff_t i = 0; i < 64; i += 32)
      _mm256_stream_si256(reinterpret_cast<__m256i*>(to + at + i),
                          _mm256_load_si256(reinterpret_cast<__m256i const*>(from + at + i)));
  }
  _mm_sfence();
#elif defined(__SSE2__)
  for (std::ptrdiff_t at = 0; at < bytes; at += 16)
    _mm_stream_si128(reinterpret_cast<__m128i*>(to + at), _mm_load_si128(reinterpret_cast<__m128i const*>(from + at)));
  _mm_sfence();
#else
  std::memcpy(to, from, static_cast<std::size_t>(bytes));
#endif
}

/// Independent chains of fused multiply-adds, enough to hide their latency on two units, few enough for 16 registers.
inline constexpr int chains = 12;

template <class T>
void multiply_add_chains(std::ptrdiff_t length) {
  using V = lanes<T>;
  mhc::math::vec<V, chains> sum;
  V factor(T(0.999)), term(T(1e-3));
  MHC_UNROLL for (int i = 0; i < chains; ++i) sum[i] = V(T(i));
  benchmark::DoNotOptimize(factor);
  benchmark::DoNotOptimize(term);
  for (std::ptrdiff_t k = 0; k < length; ++k)
    MHC_UNROLL for (int i = 0; i < chains; ++i) sum[i] = mhc::detail::multiply_add(sum[i], factor, term);
  MHC_UNROLL for (int i = 1; i < chains; ++i) sum[0] += sum[i];
  benchmark::DoNotOptimize(sum[0]);
}

}  // namespace bench
