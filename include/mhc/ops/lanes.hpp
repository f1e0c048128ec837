// SPDX-License-Identifier: MIT
#pragma once

#if defined(__CUDACC__)
#  error "<mhc/ops/lanes.hpp> is for the host compiler: nvcc cannot instantiate MHC_HD templates with vector types"
#endif

#include <mhc/core/policy.hpp>
#include <mhc/math/lane.hpp>
#include <mhc/math/tile.hpp>
#include <mhc/ops/dispatch.hpp>
#include <mhc/ops/lanes_of_elements.hpp>
#include <mhc/ops/lanes_raised.hpp>
#include <mhc/ops/levels.hpp>

#include <xsimd/xsimd.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#ifdef _OPENMP
#  include <omp.h>
#endif

/// @file
/// SIMD registers as lane types: between memory and lanes, and the threads of `simd_policy`.

MHC_BEGIN_LANES

namespace mhc::math {

template <class T, class Arch>
struct lane<xsimd::batch<T, Arch>> {
  using scalar = T;
  using batch = xsimd::batch<T, Arch>;
  using mask = xsimd::batch_bool<T, Arch>;
  static mask less(batch const& a, batch const& b) { return a < b; }
  static batch select(mask const& m, batch const& a, batch const& b) { return xsimd::select(m, a, b); }
  static bool any(mask const& m) { return xsimd::any(m); }
#if defined(__SSE2__)
  // One instruction, which is this very selection.
  static batch maximum(batch const& a, batch const& b) { return xsimd::max(b, a); }
  static batch minimum(batch const& a, batch const& b) { return xsimd::min(b, a); }
#endif
  /// a b + c, rounded once where the instruction set can. xsimd 8 does not fuse on AVX-512, and clang does not fuse what
  /// operators do.
  static batch multiply_add(batch const& a, batch const& b, batch const& c) {
#if defined(__AVX512F__)
    if constexpr (sizeof(a) == sizeof(__m512)) {
      if constexpr (sizeof(T) == sizeof(float))
        return _mm512_fmadd_ps(a, b, c);
      else
        return _mm512_fmadd_pd(a, b, c);
    }
#endif
    return xsimd::fma(a, b, c);
  }
#if defined(__AVX512F__) && defined(MHC_LEVELS) && !defined(MHC_DIVIDES)
  static batch quotient(batch const& a, batch const& b)
    requires(sizeof(batch) == sizeof(__m512))
  {
    using on = detail::instructions<T, cpu::level::avx512>;
    typename on::type r;
    on::quotient(r, {a}, {b});
    return r.v;
  }
#endif

  /// For <mhc/math/elementary.hpp>. In two factors, so that a subnormal result is rounded once.
  static batch scale(batch const& a, batch const& n) {
#if defined(__AVX512F__)
    if constexpr (sizeof(a) == sizeof(__m512)) {
      if constexpr (sizeof(T) == sizeof(float))
        return _mm512_scalef_ps(a, n);
      else
        return _mm512_scalef_pd(a, n);
    }
#endif
    auto const whole = xsimd::to_int(n), half = whole >> 1;
    return xsimd::ldexp(xsimd::ldexp(a, half), whole - half);
  }
  static batch scale_moderately(batch const& a, batch const& n) {
#if defined(__AVX512F__)
    if constexpr (sizeof(a) == sizeof(__m512)) return scale(a, n);
#endif
    return xsimd::ldexp(a, xsimd::to_int(n));
  }
  static void split(batch const& a, batch& mantissa, batch& exponent) {
    xsimd::batch<xsimd::as_integer_t<T>, Arch> e;
    batch const half_open = xsimd::frexp(a, e);  // of [1/2, 1)
    mask const low = half_open < batch(T(0x1.6a09e667f3bcdp-1));
    mantissa = xsimd::select(low, half_open + half_open, half_open);
    exponent = xsimd::to_float(e) - xsimd::select(low, batch(T(1)), batch(T(0)));
  }

  static constexpr int count = static_cast<int>(batch::size);
  static T get(batch const& v, int w) {
    alignas(64) T stage[batch::size];
    v.store_aligned(stage);
    return stage[w];
  }
  static void set(batch& v, int w, T value) {
    alignas(64) T stage[batch::size];
    v.store_aligned(stage);
    stage[w] = value;
    v = batch::load_aligned(stage);
  }
};

}  // namespace mhc::math

namespace mhc::detail {

template <class T, class Arch>
struct lanes_on {
  using type = xsimd::batch<T, Arch>;
};
template <class T, cpu::raised_level Level>
struct lanes_on<T, Level> {
  using type = raised<T, Level>;
};
/// A register of T, of an architecture of xsimd or of a level.
template <class T, class Arch>
using lanes = typename lanes_on<T, Arch>::type;
using math::multiply_add;

/// Elements per register.
template <class V>
inline constexpr std::ptrdiff_t width = static_cast<std::ptrdiff_t>(V::size);

/// Asks for the cache line of element `at` from p on, which need not be in any array, nor mapped; for the first level of
/// the cache (3) or the second (2).
template <int Level = 3, class T>
MHC_ALWAYS_INLINE inline void prefetch([[maybe_unused]] T const* p, [[maybe_unused]] std::ptrdiff_t at) {
#if defined(__GNUC__)
  __builtin_prefetch(
      reinterpret_cast<void const*>(reinterpret_cast<std::uintptr_t>(p) + static_cast<std::uintptr_t>(at) * sizeof(T)),
      0, Level);
  asm("");  // g++ takes a function that only prefetches for one without effects, and drops it
#endif
}

/// Keeps v in its register for all its uses. g++ would load it anew for each, and where a tile is bound by its loads,
/// or the address crosses cache lines, that halves the rate.
template <class T, class Arch>
inline void hold([[maybe_unused]] xsimd::batch<T, Arch>& v) {
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__)
  asm("" : "+v"(v.data));
#endif
}

/// Scratch for the lanes of K registers, as [K][width].
template <class V, int K>
struct stage {
  alignas(64) math::scalar_of<V> at[K > 0 ? K : 1][width<V>];
};

/// The first n elements from p on; zero in the other lanes.
template <class V, class S>
MHC_ALWAYS_INLINE inline V load_channels(S const* p, std::ptrdiff_t n) {
  if (n == width<V>) return load_elements<V>(p);
  S some[width<V>] = {};
  std::copy_n(p, n, some);
  return load_elements<V>(some);
}

template <class V, class S>
MHC_ALWAYS_INLINE inline void store_channels(V const& v, S* p, std::ptrdiff_t n) {
  if (n == width<V>) return store_elements(v, p);
  S all[width<V>];
  store_elements(v, all);
  std::copy_n(all, n, p);
}

/// body(c, n) for the registers of channels that cover 0 … channels − 1; n is the constant width, but for the last
/// register where channels is no multiple of it.
template <class V, class F>
MHC_ALWAYS_INLINE inline void for_channels(std::ptrdiff_t channels, F const& body) {
  std::ptrdiff_t c = 0;
  for (; c + width<V> <= channels; c += width<V>) body(c, std::integral_constant<std::ptrdiff_t, width<V>>{});
  if (c < channels) body(c, channels - c);
}

/// Σ over the lanes, always in this order: the upper half is added to the lower, then half of that, and so on.
template <class V>
MHC_ALWAYS_INLINE inline math::scalar_of<V> sum_of_lanes(V const& v) {
  stage<V, 1> s;
  v.store_aligned(s.at[0]);
  MHC_UNROLL for (std::ptrdiff_t half = width<V> / 2; half > 0; half /= 2)
      MHC_UNROLL for (std::ptrdiff_t i = 0; i < half; ++i) s.at[0][i] += s.at[0][i + half];
  return s.at[0][0];
}

/// Every lane the same vec or tile: Broadcast is the one of lanes, `row` its elements in memory.
template <class Broadcast, class T>
inline Broadcast broadcast_row(T const* row) {
  Broadcast a;
  MHC_UNROLL for (int k = 0; k < Broadcast::count; ++k) a[k] = std::decay_t<decltype(a[0])>(row[k]);
  return a;
}

}  // namespace mhc::detail

namespace mhc::cpu {

/// Threads that `for_each` uses, if it has work for them.
template <class Arch, bool Threads>
int thread_count([[maybe_unused]] simd_policy<Arch, Threads> const& policy) {
#ifdef _OPENMP
  if constexpr (Threads) return policy.threads > 0 ? policy.threads : omp_get_num_procs();
#endif
  return 1;
}

/// f(i) for i = first … last − 1, compiled for the policy's instruction set.
template <class Arch, class F>
inline void run(F const& f, std::ptrdiff_t first, std::ptrdiff_t last) {
  if constexpr (raised_level<Arch>)
    Arch::run(f, first, last);
  else
    for (std::ptrdiff_t i = first; i < last; ++i) f(i);
}

/// f(), compiled for the policy's instruction set.
template <class Arch, class F>
inline auto apart(F const& f) {
  if constexpr (raised_level<Arch>)
    return Arch::apart(f);
  else
    return f();
}

/// f(i) for i = 0 … count − 1, on the policy's threads. Which thread runs which i never shows in the result, because
/// every f(i) writes memory of its own. Inside a parallel region of the caller OpenMP gives one thread, unless the
/// caller allows nesting. All work on registers belongs into f: what calls this is not compiled for the instruction set.
template <class Arch, bool Threads, class F>
void for_each([[maybe_unused]] simd_policy<Arch, Threads> const& policy, std::ptrdiff_t count, F&& f) {
#ifdef _OPENMP
  if constexpr (Threads) {
    // As many as there are, whatever there is for them to do: OpenMP's runtime ends threads that a smaller team leaves
    // over, and makes new ones for the next larger one.
    int const threads = thread_count(policy);
    if (threads > 1 && count > 1) {
#  pragma omp parallel num_threads(threads)
      {
        std::ptrdiff_t const all = omp_get_num_threads(), mine = omp_get_thread_num();
        run<Arch>(f, count * mine / all, count * (mine + 1) / all);
      }
      return;
    }
  }
#endif
  run<Arch>(f, 0, count);
}

/// f(first, n) for the groups of `width` rows that cover 0 … size − 1; n < width only for the last.
template <class Policy, class F>
void for_each_group(Policy const& policy, std::ptrdiff_t size, std::ptrdiff_t width, F&& f) {
  for_each(policy, (size + width - 1) / width,
           [&](std::ptrdiff_t g) { f(g * width, std::min(width, size - g * width)); });
}
template <std::ptrdiff_t Width, class Policy, class F>
void for_each_group(Policy const& policy, std::ptrdiff_t size, F&& f) {
  for_each_group(policy, size, Width, f);
}
/// The same in groups of up to Most rows, multiples of Step, as many for each thread.
template <std::ptrdiff_t Step, std::ptrdiff_t Most, class Policy, class F>
void for_each_group_up_to(Policy const& policy, std::ptrdiff_t size, F&& f) {
  std::ptrdiff_t const steps = (size + Step - 1) / Step, threads = thread_count(policy);
  std::ptrdiff_t const per_thread = std::max<std::ptrdiff_t>(1, (size + threads * Most - 1) / (threads * Most));
  std::ptrdiff_t const groups = per_thread * threads;
  for_each_group(policy, size, std::max<std::ptrdiff_t>(1, (steps + groups - 1) / groups) * Step, f);
}

}  // namespace mhc::cpu

namespace mhc {

#if defined(MHC_DISPATCHES)
template <bool Threads>
using widest_policy = cpu::dispatching_policy<xsimd::default_arch, Threads>;
#else
template <bool Threads>
using widest_policy = cpu::simd_policy<xsimd::default_arch, Threads>;
#endif

/// Lanes of the widest instruction set that the processor has or, where there are no levels to choose from, that this
/// translation unit is compiled for; threads if it is compiled with OpenMP.
#ifdef _OPENMP
using simd_t = widest_policy<true>;
#else
using simd_t = widest_policy<false>;
#endif
constexpr simd_t simd{};  // internal linkage on purpose: its type depends on the flags

}  // namespace mhc

MHC_END_LANES
