// SPDX-License-Identifier: MIT
// The numbers of 16 bits against their definition: sign, exponent and fraction in long double, and the nearest of all.

#include "support/catch.hpp"

#include <mhc/core/elements.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

using mhc::bfloat16, mhc::half;

template <class S>
inline constexpr bool is_plain = std::is_trivially_copyable_v<S> && std::is_standard_layout_v<S> &&
                                 std::is_trivially_default_constructible_v<S> && sizeof(S) == 2 && alignof(S) == 2;
static_assert(is_plain<bfloat16> && is_plain<half>);
static_assert(std::is_convertible_v<bfloat16, float> && std::is_convertible_v<half, float>);
static_assert(!std::is_convertible_v<float, bfloat16> && !std::is_convertible_v<float, half>);
static_assert(!std::is_convertible_v<bfloat16, half> && !std::is_convertible_v<half, bfloat16>);
static_assert(bfloat16(1.5F) == 1.5F && half(-.25F) == -.25F && half(0x1p-24F).bits == 1);  // in constants, too

template <class S>
S from_bits(int bits) {
  return std::bit_cast<S>(static_cast<std::uint16_t>(bits));
}

/// The value that the bits stand for; infinite values as the power of two that would come next.
template <class S>
long double value(int bits) {
  constexpr int fraction_bits = std::is_same_v<S, half> ? 10 : 7, bias = std::is_same_v<S, half> ? 15 : 127;
  int const exponent = (bits & 0x7fff) >> fraction_bits, fraction = bits & ((1 << fraction_bits) - 1);
  int const significand = exponent == 0 ? fraction : fraction + (1 << fraction_bits);
  long double const size =
      std::ldexp(static_cast<long double>(significand), std::max(exponent, 1) - bias - fraction_bits);
  return (bits & 0x8000) != 0 ? -size : size;
}
template <class S>
inline constexpr int infinite_bits = std::is_same_v<S, half> ? 0x7c00 : 0x7f80;

/// The bits of the number that is nearest to x ≥ 0, of two the even one.
template <class S>
int nearest(long double x) {
  int low = 0, high = infinite_bits<S>;  // values grow with their bits
  if (x >= value<S>(high)) return high;
  while (high - low > 1) {
    int const middle = (low + high) / 2;
    (value<S>(middle) <= x ? low : high) = middle;
  }
  long double const below = x - value<S>(low), above = value<S>(high) - x;
  return below < above || (below == above && low % 2 == 0) ? low : high;
}

TEMPLATE_TEST_CASE("every number of 16 bits is a float, and comes back from it", "[core][elements]", bfloat16, half) {
  for (int bits = 0; bits < 0x10000; ++bits) {
    float const x = from_bits<TestType>(bits);
    int const size = bits & 0x7fff;
    bool right = std::signbit(x) == (bits >= 0x8000);
    if (size < infinite_bits<TestType>) {
      right = right && x == value<TestType>(bits) && TestType(x).bits == bits;
    } else if (size == infinite_bits<TestType>) {
      right = right && std::isinf(x) && TestType(x).bits == bits;
    } else {
      right =
          right && std::isnan(x) && std::isnan(float(TestType(x))) && (TestType(x).bits & 0x8000) == (bits & 0x8000);
    }
    if (!right) FAIL("bits " << bits << " are " << x);
  }
}

TEMPLATE_TEST_CASE("a float is rounded to the nearest number, ties to even", "[core][elements]", bfloat16, half) {
  std::vector<float> numbers{0,
                             1,
                             65504,
                             65519.99F,
                             65520,
                             65536,
                             1e30F,
                             std::numeric_limits<float>::max(),
                             std::numeric_limits<float>::denorm_min(),
                             std::numeric_limits<float>::min()};
  for (int bits = 0; bits < infinite_bits<TestType>; ++bits) {  // between neighbours, and around it
    auto const tie = static_cast<float>((value<TestType>(bits) + value<TestType>(bits + 1)) / 2);
    for (float const x : {std::nextafter(tie, 0.F), tie, std::nextafter(tie, std::numeric_limits<float>::infinity())})
      numbers.push_back(x);
  }
  std::mt19937 engine{1};
  for (int k = 0; k < 200000; ++k) numbers.push_back(std::bit_cast<float>(static_cast<std::uint32_t>(engine())));
  for (float const x : numbers) {
    if (!std::isfinite(x)) continue;
    int const expected = nearest<TestType>(std::abs(static_cast<long double>(x)));
    bool const right = TestType(std::abs(x)).bits == expected && TestType(-std::abs(x)).bits == (expected | 0x8000);
    if (!right) FAIL(x << " becomes " << TestType(x).bits << ", expected " << expected << " or its negative");
  }
}

TEMPLATE_TEST_CASE("infinities and every kind of NaN are kept", "[core][elements]", bfloat16, half) {
  float const infinity = std::numeric_limits<float>::infinity();
  REQUIRE(TestType(infinity).bits == infinite_bits<TestType>);
  REQUIRE(TestType(-infinity).bits == (infinite_bits<TestType> | 0x8000));
  for (std::uint32_t const payload : {1U, 0x1000U, 0xffffU, 0x10000U, 0x400000U, 0x7fffffU})
    for (std::uint32_t const sign : {0U, 0x80000000U})
      REQUIRE(std::isnan(float(TestType(std::bit_cast<float>(sign | 0x7f800000U | payload)))));
}
