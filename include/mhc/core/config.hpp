// SPDX-License-Identifier: MIT
#pragma once

#define MHC_VERSION_MAJOR 0
#define MHC_VERSION_MINOR 1
#define MHC_VERSION_PATCH 0

/// Callable from host and device. Expands to nothing for a plain host compiler, so every header
/// that uses only this macro compiles with g++ or clang++ alone.
#if defined(__CUDACC__)
#  define MHC_HD __host__ __device__
#else
#  define MHC_HD
#endif

/// Before a loop with constant bounds over a register tile. Without it nvcc may keep the tile in
/// local memory, and g++ may keep it on the stack.
#if defined(__CUDACC__) || defined(__clang__)
#  define MHC_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#  define MHC_UNROLL _Pragma("GCC unroll 16")
#else
#  define MHC_UNROLL
#endif

/// On a lambda that works on a register tile of its caller: g++ would otherwise pass the tile through memory.
#if defined(__GNUC__) || defined(__clang__)
#  define MHC_ALWAYS_INLINE __attribute__((always_inline))
#else
#  define MHC_ALWAYS_INLINE
#endif

/// On a lambda that runs a whole iteration on registers: everything it calls is compiled into it, whatever g++ thinks of
/// the size, but for what is marked MHC_RARELY, which is never.
#if defined(__GNUC__) && !defined(__CUDACC__)
#  define MHC_FLATTEN __attribute__((flatten))
#  define MHC_RARELY __attribute__((noinline, cold))
#else
#  define MHC_FLATTEN
#  define MHC_RARELY
#endif

/// Whether one program can have code for several instruction sets (`mhc::cpu::level`): x86-64, by attributes that g++ and
/// clang have. -DMHC_DISPATCH=0 for none of it: the flags alone say which.
#if !defined(MHC_DISPATCH)
#  define MHC_DISPATCH 1
#endif
#if MHC_DISPATCH && defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__)) && !defined(__CUDACC__)
#  define MHC_LEVELS
#endif
#if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#  define MHC_HAS_AVX2
#  if defined(__AVX512F__) && defined(__AVX512DQ__) && defined(__AVX512BW__) && defined(__AVX512VL__)
#    define MHC_HAS_AVX512
#  endif
#endif

#if defined(__CUDACC__) && __cplusplus < 202002L
#  error "mhc needs C++20 in .cu files too: pass -std=c++20 to nvcc (CMake 3.25 does not do it for you)"
#endif
