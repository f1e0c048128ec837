// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/concepts.hpp>
#include <mhc/core/config.hpp>

#include <cstdint>
#include <type_traits>

/// @file
/// What streams and tokens may consist of: besides the scalars two numbers of 16 bits, which are stored and never
/// computed with. Their memory is that of CUDA's __nv_bfloat16 and __half, and of Eigen's types of the same names.

namespace mhc {

/// The upper half of a float: 8 bits of exponent, 8 significant ones.
struct bfloat16 {
  std::uint16_t bits;

  bfloat16() = default;
  /// To nearest, ties to even; what is too large becomes infinite, a NaN stays one (and becomes quiet).
  MHC_HD explicit constexpr bfloat16(float x) : bits(rounded(x)) {}
  /// Exact.
  MHC_HD constexpr operator float() const { return __builtin_bit_cast(float, std::uint32_t{bits} << 16); }

 private:
  MHC_HD static constexpr std::uint16_t rounded(float x) {
#if defined(__CUDA_ARCH__)
    if (!__builtin_is_constant_evaluated()) {
      std::uint16_t r;
      asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(r) : "f"(x));
      return r;
    }
#endif
    auto const u = __builtin_bit_cast(std::uint32_t, x);
    if ((u & 0x7fffffffU) > 0x7f800000U) return static_cast<std::uint16_t>(u >> 16 | 0x40U);
    return static_cast<std::uint16_t>((u + 0x7fffU + (u >> 16 & 1U)) >> 16);
  }
};

/// IEEE 754 binary16: 5 bits of exponent, 11 significant ones, subnormal numbers included.
struct half {
  std::uint16_t bits;

  half() = default;
  /// To nearest, ties to even; from 65520 on infinite, a NaN stays one (and becomes quiet).
  MHC_HD explicit constexpr half(float x) : bits(rounded(x)) {}
  /// Exact.
  MHC_HD constexpr operator float() const {
#if defined(__CUDA_ARCH__)
    if (!__builtin_is_constant_evaluated()) {
      float r;
      asm("cvt.f32.f16 %0, %1;" : "=f"(r) : "h"(bits));
      return r;
    }
#endif
    std::uint32_t const sign = (bits & 0x8000U) << 16, u = bits & 0x7fffU;
    if (u < 0x400U) {
      float const size = static_cast<float>(u) * 0x1p-24F;
      return sign != 0 ? -size : size;
    }
    if (u < 0x7c00U) return __builtin_bit_cast(float, sign | ((u << 13) + (112U << 23)));
    std::uint32_t const quiet = u > 0x7c00U ? 0x400000U : 0U;
    return __builtin_bit_cast(float, sign | 0x7f800000U | u << 13 | quiet);
  }

 private:
  MHC_HD static constexpr std::uint16_t rounded(float x) {
#if defined(__CUDA_ARCH__)
    if (!__builtin_is_constant_evaluated()) {
      std::uint16_t r;
      asm("cvt.rn.f16.f32 %0, %1;" : "=h"(r) : "f"(x));
      return r;
    }
#endif
    auto const u = __builtin_bit_cast(std::uint32_t, x);
    return static_cast<std::uint16_t>((u >> 16 & 0x8000U) | rounded_magnitude(u & 0x7fffffffU));
  }
  MHC_HD static constexpr std::uint32_t rounded_magnitude(std::uint32_t u) {
    if (u > 0x7f800000U) return 0x7e00U | (u >> 13 & 0x3ffU);
    if (u >= __builtin_bit_cast(std::uint32_t, 65520.F)) return 0x7c00U;
    if (u < __builtin_bit_cast(std::uint32_t, 0x1p-14F)) {  // the last place of 0.5 is that of a subnormal number
      return __builtin_bit_cast(std::uint32_t, __builtin_bit_cast(float, u) + .5F) -
             __builtin_bit_cast(std::uint32_t, .5F);
    }
    std::uint32_t const v = u - (112U << 23);
    return (v + 0xfffU + (v >> 13 & 1U)) >> 13;
  }
};

namespace detail {

template <class S>
inline constexpr bool is_short_v = std::is_same_v<S, bfloat16> || std::is_same_v<S, half>;

}  // namespace detail

/// Element of streams and tokens, possibly const. Satisfied by every scalar, by `bfloat16` and `half const`; not by
/// `int`.
template <class S>
concept element = scalar<S> || detail::is_short_v<std::remove_cv_t<S>>;

/// What streams of S are computed in, and with them the type of their coefficients, parameters and sums: float for
/// `bfloat16` and `half`, S itself otherwise.
template <element S>
using coefficient_t = std::conditional_t<detail::is_short_v<std::remove_cv_t<S>>, float, std::remove_cv_t<S>>;

}  // namespace mhc
