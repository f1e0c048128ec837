// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/math/gauge.hpp>
#include <mhc/math/lane.hpp>
#include <mhc/math/sinkhorn.hpp>
#include <mhc/math/tile.hpp>

#include <cmath>

/// @file
/// Sinkhorn–Knopp of order 2, any number of iterations at once. In the gauge a half step is u = (1 + v) / (1 + k v). With
/// s = √k and c = (s v − 1) / (s v + 1) that is c ← q c, q = (1 − s) / (1 + s): a Möbius map with the fixed points ±1/s.
/// So m half steps are c = q^m c_0, and the lines of the plan are
///   (1, v) / (1 + v),  (1, k v) / (1 + k v),  v = (1 + c) / (s (1 − c)).
///
/// |q| and |c| come near 1, and what they lack to it decides. It is kept instead of them:
///   1 − (1 − a)(1 − b) = a + b (1 − a), a sum of positive numbers.

MHC_BEGIN_LANES

namespace mhc::math {

namespace order_two {

/// What |x| lacks to 1, x = (y − 1) / (y + 1), y > 0.
template <class V>
MHC_HD inline V lacking(V const& y) {
  return quotient(V(2) * minimum<V>(y, V(1)), V(1) + y);
}
template <class V>
MHC_HD inline V lacking_of_product(V const& a, V const& b) {
  return multiply_add(b, V(1) - a, a);
}
/// Of the power x^m, from what |x| lacks.
template <class V>
MHC_HD inline V lacking_of_power(V x, int m) {
  V power(0);
  for (; m > 0; m /= 2) {
    if (m % 2 == 1) power = lacking_of_product(power, x);
    x = x * (V(2) - x);
  }
  return power;
}

/// c after all half steps but the last, which makes lines sum to 1.
template <class V>
struct two_steps {
  V s;                ///< √k
  V q, start, power;  ///< what |q|, |c_0| and |q^m| lack to 1
  V sign;             ///< that of c
  V minus, plus;      ///< 1 − c, 1 + c
  int m;

  MHC_HD two_steps(gauge_kernel<V, 2> const& kernel, sinkhorn_length length)
      : m(2 * length.rounds - (length.ends_after_columns ? 2 : 1)) {
    using std::sqrt;
    s = sqrt(kernel.at.at[0][0]);
    V const y = kernel.start[0] * s;
    q = lacking(s);
    start = lacking(y);
    power = lacking_of_power(q, m);
    V const lacks = lacking_of_product(power, start);
    V const of_power = select<V>(less<V>(V(1), s), V(m % 2 == 1 ? -1 : 1), V(1));
    sign = select<V>(less<V>(y, V(1)), -of_power, of_power);
    auto const negative = less<V>(sign, V(0));
    minus = select<V>(negative, V(2) - lacks, lacks);
    plus = select<V>(negative, lacks, V(2) - lacks);
  }
};

/// In a plan whose rows are exact; on the transpose where columns are.
template <class V>
MHC_HD inline tile<V, 2> two_lines(two_steps<V> const& c) {
  V const a = c.s * c.minus, b = c.s * c.plus;
  V const first = quotient(V(1), a + c.plus), second = quotient(V(1), c.minus + b);
  return {{{a * first, c.plus * first}, {c.minus * second, b * second}}};
}

}  // namespace order_two

template <class V>
MHC_HD inline tile<V, 2> sinkhorn(gauge, gauge_kernel<V, 2> const& kernel, sinkhorn_length length) {
  auto const p = order_two::two_lines(order_two::two_steps<V>(kernel, length));
  return length.ends_after_columns ? transposed(p) : p;
}

/// With λ = 2 artanh c, the entries of the plan are logistic functions of λ − (log k)/2 and λ + (log k)/2, and
///   δλ = 2 / (1 − c²) (m q^(m−1) c_0 δq + q^m δc_0),
///   δq = −(1 − q²)/4 δ log k,  δc_0 = (1 − c_0²)/2 (δ log u_0 + δ(log k)/2).
template <class V>
MHC_HD inline tile<V, 2> sinkhorn_vjp(gauge, gauge_kernel<V, 2> const& kernel, sinkhorn_length length,
                                      tile<V, 2> const& gradient) {
  order_two::two_steps<V> const c(kernel, length);
  auto const p = order_two::two_lines(c);
  tile<V, 2> const g = length.ends_after_columns ? transposed(gradient) : gradient;
  V const first = (g.at[0][1] - g.at[0][0]) * (p.at[0][0] * p.at[0][1]);
  V const second = (g.at[1][1] - g.at[1][0]) * (p.at[1][0] * p.at[1][1]);
  V const scale = quotient(first + second, c.minus * c.plus);                       // ∂loss/∂λ / (1 − c²)
  V const before = V(1) - order_two::lacking_of_power(c.q, c.m > 0 ? c.m - 1 : 0);  // |q^(m−1)|
  V const rate = V(static_cast<scalar_of<V>>(c.m)) * before * (V(1) - c.start) * (c.q * (V(2) - c.q));
  // q^(m−1) c_0 has the sign of c q, and q < 0 where 1 < s
  V const by_q = select<V>(less<V>(V(1), c.s), c.sign, -c.sign) * rate;
  V const power = V(1) - c.power;
  V const of_power = select<V>(less<V>(V(1), c.s), V(c.m % 2 == 1 ? -1 : 1), V(1));
  V const start = scale * of_power * power * (c.start * (V(2) - c.start));
  V const k = V(scalar_of<V>(0.5)) * ((second - first) + scale * by_q + start);
  return {{{k - start, -k}, {start - k, k}}};
}

}  // namespace mhc::math

MHC_END_LANES
