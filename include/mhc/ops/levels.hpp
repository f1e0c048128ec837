// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/core/error.hpp>
#include <mhc/core/policy.hpp>

#include <concepts>
#include <cstddef>
#include <string>

/// @file
/// Instruction sets beyond those that a translation unit is compiled for, as types. A policy `simd_policy<Level, Threads>`
/// runs the same lane-generic code as any other; its lanes are `detail::raised`, whose elementary operations carry the
/// instruction set each by itself, and everything between them is compiled into `Level::run`, the one function that has
/// it too. So one translation unit without flags has code for all of them.

#if defined(MHC_LEVELS)
#  define MHC_AVX2 __attribute__((target("avx2,fma,f16c")))
#  define MHC_AVX512 __attribute__((target("avx2,fma,f16c,avx512f,avx512dq,avx512bw,avx512vl")))
#  define MHC_ENTRY __attribute__((flatten, noinline))
#endif

namespace mhc::cpu {

/// A tag of `mhc::cpu::level`. Satisfied by `level::avx2`; not by the architectures of xsimd.
template <class L>
concept raised_level = requires {
  { L::is_supported() } -> std::same_as<bool>;
};

#if defined(MHC_LEVELS)

namespace level {

/// Whether there is the conversion between half and float; clang 14 cannot ask for it by name.
inline bool has_f16c() {
  unsigned a = 1, b = 0, c = 0, d = 0;
  asm("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
  return (c >> 29 & 1U) != 0;
}

/// Registers of 32 bytes, and a product and sum in one rounding: x86-64-v3.
struct avx2 {
  static constexpr char const* name = "avx2";

  /// Asks the processor, and the operating system whether it keeps such registers; once.
  static bool is_supported() {
    static bool const is = [] {
      __builtin_cpu_init();
      return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && has_f16c();
    }();
    return is;
  }

  /// f(i) for i = first … last − 1, or f(). With everything that is called: the whole of it is of this instruction set.
  /// Of an f that holds what it works on nothing has to be read again after a store, because it is copied first.
  template <class F>
  MHC_AVX2 MHC_ENTRY static void run(F const& f, std::ptrdiff_t first, std::ptrdiff_t last) {
    F const own = f;
    for (std::ptrdiff_t i = first; i < last; ++i) own(i);
  }
  template <class F>
  MHC_AVX2 MHC_ENTRY static auto apart(F const& f) {
    return f();
  }
  template <class F>
  MHC_AVX2 MHC_ENTRY __attribute__((cold)) static auto rarely(F const& f) {
    return f();
  }
};

/// Registers of 64 bytes, twice as many of them, and masks: x86-64-v4.
struct avx512 {
  static constexpr char const* name = "avx512";

  static bool is_supported() {
    static bool const is = [] {
      __builtin_cpu_init();
      return avx2::is_supported() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
             __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
    }();
    return is;
  }

  template <class F>
  MHC_AVX512 MHC_ENTRY static void run(F const& f, std::ptrdiff_t first, std::ptrdiff_t last) {
    F const own = f;
    for (std::ptrdiff_t i = first; i < last; ++i) own(i);
  }
  template <class F>
  MHC_AVX512 MHC_ENTRY static auto apart(F const& f) {
    return f();
  }
  template <class F>
  MHC_AVX512 MHC_ENTRY __attribute__((cold)) static auto rarely(F const& f) {
    return f();
  }
};

}  // namespace level

#endif

/// A policy that names a level. It cannot be had without asking the processor, so nothing runs that the processor lacks.
template <raised_level Level, bool Threads>
struct simd_policy<Level, Threads> {
  using execution_policy_tag = void;

  int threads = 1;

  /// @throws mhc::option_error  this processor does not have the level
  simd_policy() {
    if (!Level::is_supported()) {
      throw option_error(std::string("mhc::cpu::simd_policy: this processor has no ") + Level::name +
                         "; mhc::simd takes what there is");
    }
  }

  /// @throws mhc::option_error  k < 0
  simd_policy with_threads(int k) const {
    auto policy = *this;
    policy.threads = mhc::detail::number_of_threads(k);
    return policy;
  }
};

}  // namespace mhc::cpu

namespace mhc::detail {

/// What a level does with a register of T, by static functions; specialised in <mhc/ops/lanes_avx2.hpp> and its neighbours.
template <class T, class Level>
struct instructions;

/// Is V a register of a level?
template <class V>
inline constexpr bool is_raised = false;

/// W numbers where they lie. The intrinsics would store what may be anything, views included, which then had to be read
/// again after each.
template <class T, int W>
struct in_memory {
  typedef T type __attribute__((vector_size(W * sizeof(T)), aligned(alignof(T))));
};

}  // namespace mhc::detail
