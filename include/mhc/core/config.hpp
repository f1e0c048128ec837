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

/// Shuffles of the compiler's own vectors: g++ 12, clang.
#if defined(__has_builtin)
#  if __has_builtin(__builtin_shufflevector)
#    define MHC_SHUFFLE_VECTOR
#  endif
#endif

/// Levels (<mhc/ops/levels.hpp>): instruction sets beyond the flags', in the same program, by attributes that g++ and clang
/// have. MHC_DISPATCH says when `mhc::simd` chooses among them at run time: 1, the default, where the flags do not give
/// AVX2, 2 where they do not give AVX-512, 0 never.
#if !defined(MHC_DISPATCH)
#  define MHC_DISPATCH 1
#endif
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__CUDACC__) && !defined(_WIN32)  // where g++ misaligns AVX
#  define MHC_LEVELS
#  if defined(__AVX2__) && defined(__FMA__) && defined(__F16C__)
#    if MHC_DISPATCH >= 2 && !defined(__AVX512F__)
#      define MHC_DISPATCHES
#    endif
#  elif MHC_DISPATCH >= 1
#    define MHC_DISPATCHES
#    define MHC_DISPATCHES_TO_AVX2
#  endif
#endif

/// Compiled for a processor whose divider is as fast as estimating a reciprocal and refining it: AMD's that have AVX-512.
/// g++ 12 and clang 14 take those of the fourth generation for the third.
#if defined(__znver3__) || defined(__znver4__) || defined(__znver5__)
#  define MHC_DIVIDES
#endif

/// Around code on lanes. An iteration, and a level, is one function with all that it calls; clang does that only with what
/// says so itself. (Where it does not, a projection takes a tenth longer and an implicit gradient half as long again.)
#if defined(__clang__) && defined(__OPTIMIZE__) && !defined(__CUDACC__) && \
    (defined(MHC_DISPATCHES) || !defined(__OPTIMIZE_SIZE__))
#  define MHC_BEGIN_LANES _Pragma("clang attribute push(__attribute__((always_inline)), apply_to = function)")
#  define MHC_END_LANES _Pragma("clang attribute pop")
#else
#  define MHC_BEGIN_LANES
#  define MHC_END_LANES
#endif

#if defined(__CUDACC__) && __cplusplus < 202002L
#  error "mhc needs C++20 in .cu files too: pass -std=c++20 to nvcc (CMake 3.25 does not do it for you)"
#endif
