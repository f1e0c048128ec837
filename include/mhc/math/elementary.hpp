// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/math/lane.hpp>

#include <cmath>
#include <limits>
#include <type_traits>

/// @file
/// exp, log and tanh of float and double for lane types that have none of their own: without a branch, right to about one
/// unit in the last place, for subnormal numbers, infinities and NaN too. A lane type says how it multiplies by a power
/// of two, lane<V>::scale(x, n), and how it takes a number apart, lane<V>::split(x, mantissa, exponent) for normal x > 0
/// with a mantissa of [√½, √2).

MHC_BEGIN_LANES

namespace mhc::math {

/// Σ_k c_k x^k, from the lowest coefficient on.
template <class V, class T, int K>
MHC_HD inline V polynomial(T const (&c)[K], V const& x) {
  V sum(c[K - 1]);
  MHC_UNROLL for (int k = K - 2; k >= 0; --k) sum = multiply_add(sum, x, V(c[k]));
  return sum;
}

/// Numbers of the functions below. Of exp: (exp(r) − 1 − r) / r² on |r| ≤ log(2)/2, by Remez's algorithm with the
/// relative error of exp as the weight: 3.1e-9 and 3.7e-18. Of log: W. Cody and W. Waite's log 2 in two pieces, of which
/// the first times an exponent is exact; FreeBSD's msun, e_log.c and e_logf.c (Sun Microsystems, 1993), for
/// (log((1+s)/(1−s)) − 2s) / s. Of tanh: S. Moshier, Cephes, tanhf.c and tanh.c.
template <class T>
struct elementary;

template <>
struct elementary<float> {
  static constexpr float exp_low = -104, exp_high = 89;  // exp of these is 0 and infinite
  static constexpr float log2_e = 0x1.715476p+0F;
  static constexpr float log_2[2] = {0x1.63p-1F, -0x1.bd0106p-13F};
  static constexpr float integer = 0x1.8p23F;  // a number of its size has no places behind the point
  static constexpr float exp[] = {0x1.fffffcp-2F, 0x1.555492p-3F, 0x1.5558f2p-5F, 0x1.123a2p-7F, 0x1.6a23dp-10F};
  static constexpr float into_range = 0x1p24F, into_range_exponent = 24;
  static constexpr float log[] = {0xaaaaaa.0p-24F, 0xccce13.0p-25F, 0x91e9ee.0p-25F, 0xf89e26.0p-26F};
  static constexpr float tanh[] = {-3.33332819422e-1F, 1.33314422036e-1F, -5.37397155531e-2F, 2.06390887954e-2F,
                                   -5.70498872745e-3F};
};

template <>
struct elementary<double> {
  static constexpr double exp_low = -746, exp_high = 710;
  static constexpr double log2_e = 0x1.71547652b82fep+0;
  static constexpr double log_2[2] = {0x1.62e4p-1, 0x1.7f7d1cf79abcap-20};
  static constexpr double integer = 0x1.8p52;
  static constexpr double exp[] = {
      0x1.000000000000ap-1,  0x1.55555555554f9p-3,  0x1.555555555083ep-5, 0x1.1111111127d0ep-7,  0x1.6c16c18438b11p-10,
      0x1.a01a012a0f35cp-13, 0x1.a01999e26209fp-16, 0x1.71df25b30d42p-19, 0x1.28ad9b8648615p-22, 0x1.ad7f3ee5d2f8p-26};
  static constexpr double into_range = 0x1p54, into_range_exponent = 54;
  static constexpr double log[] = {6.666666666666735130e-01, 3.999999999940941908e-01, 2.857142874366239149e-01,
                                   2.222219843214978396e-01, 1.818357216161805012e-01, 1.531383769920937332e-01,
                                   1.479819860511658591e-01};
  static constexpr double tanh_above[] = {-1.61468768441708447952e3, -9.92877231001918586564e1,
                                          -9.64399179425052238628e-1};
  static constexpr double tanh_below[] = {4.84406305325125486048e3, 2.23548839060100448583e3, 1.12811678491632931402e2,
                                          1};
};

/// 2^n exp(r) with the integer n next to x / log 2. `Moderate`: it is a normal number, which some lanes scale with less.
template <bool Moderate, class V>
MHC_HD inline V exp_in_range(V const& x) {
  using numbers = elementary<scalar_of<V>>;
  V const n = multiply_add(x, V(numbers::log2_e), V(numbers::integer)) - V(numbers::integer);
  V const r = multiply_add(n, V(-numbers::log_2[1]), multiply_add(n, V(-numbers::log_2[0]), x));
  V const e = V(1) + multiply_add<V>(r * r, polynomial(numbers::exp, r), r);
  if constexpr (Moderate && requires { lane<V>::scale_moderately(e, n); })
    return lane<V>::scale_moderately(e, n);
  else
    return lane<V>::scale(e, n);
}

/// exp(x); the bounds keep a NaN.
template <class V>
MHC_HD inline V exp_by_polynomial(V const& x) {
  using numbers = elementary<scalar_of<V>>;
  return exp_in_range<false, V>(minimum<V>(maximum<V>(x, V(numbers::exp_low)), V(numbers::exp_high)));
}

/// exp(x) for |x| ≤ 87 in float, 700 in double, or NaN.
template <class V>
MHC_HD inline V exp_of_moderate(V const& x) {
  if constexpr (requires { lane<V>::scale_moderately(x, x); } || requires { lane<V>::scale(x, x); }) {
    return exp_in_range<true, V>(x);
  } else {
    using std::exp;
    return exp(x);
  }
}

/// e log 2 + log(1 + f), with log(1 + f) = f − f²/2 + s (f²/2 + …) for s = f / (2 + f).
template <class V>
MHC_HD inline V log_by_polynomial(V const& x) {
  using T = scalar_of<V>;
  using numbers = elementary<T>;
  auto const tiny = less<V>(x, V(smallest<V>));
  V mantissa, exponent;
  lane<V>::split(select<V>(tiny, x * V(numbers::into_range), x), mantissa, exponent);
  exponent = exponent - select<V>(tiny, V(numbers::into_range_exponent), V(0));
  V const f = mantissa - V(1), s = f / (V(2) + f), square = s * s, half = V(T(0.5)) * f * f;
  V const small = multiply_add<V>(s, multiply_add<V>(square, polynomial(numbers::log, square), half),
                                  exponent * V(numbers::log_2[1]));
  V const result = multiply_add<V>(exponent, V(numbers::log_2[0]), f - (half - small));
  // A sum keeps the NaN of x, and an infinity; the root of a negative number is one too.
  V const infinity(std::numeric_limits<T>::infinity());
  V const of_zero = select<V>(less<V>(x, V(0)), infinity - infinity, -infinity);
  V const of_positive = select<V>(less<V>(x, infinity), result, x);
  return select<V>(less<V>(V(0), x), of_positive, select<V>(less<V>(x, V(smallest<V>)), of_zero, x));
}

/// x + x³ P(x²) near 0, 1 − 2 / (exp(2|x|) + 1) elsewhere.
template <class V>
MHC_HD inline V tanh_by_polynomial(V const& x) {
  using T = scalar_of<V>;
  using numbers = elementary<T>;
  V const size = magnitude(x), square = x * x;
  V near_zero;
  if constexpr (std::is_same_v<T, float>)
    near_zero = polynomial(numbers::tanh, square);
  else
    near_zero = polynomial(numbers::tanh_above, square) / polynomial(numbers::tanh_below, square);
  near_zero = multiply_add<V>(x * square, near_zero, x);
  V const far = V(1) - V(2) / (exp_by_polynomial<V>(size + size) + V(1));
  V const with_sign = select<V>(less<V>(x, V(0)), -far, far);
  return select<V>(less<V>(size, V(T(0.625))), near_zero, with_sign);
}

}  // namespace mhc::math

MHC_END_LANES
