// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/lane.hpp>
#include <mhc/math/tile.hpp>

#include <cmath>

/// @file
/// Weights that add up to 1: the softmax of K logits, the two shares σ(z) and 1 − σ(z), and their derivatives.

MHC_BEGIN_LANES

namespace mhc::math {

/// Σ of `Count` numbers from `From` on, halves first, so that the rounding error grows with log Count.
template <int From, int Count, class V, int K>
MHC_HD inline V pairwise_sum(vec<V, K> const& a) {
  if constexpr (Count == 1) {
    return a[From];
  } else {
    constexpr int half = Count / 2;
    return pairwise_sum<From, half>(a) + pairwise_sum<From + half, Count - half>(a);
  }
}

/// exp(z_k) / Σ_l exp(z_l).
template <class V, int K>
MHC_HD inline vec<V, K> softmax(vec<V, K> const& z) {
  using std::exp;
  V top = z[0];
  MHC_UNROLL for (int k = 1; k < K; ++k) top = maximum(top, z[k]);
  vec<V, K> w;
  MHC_UNROLL for (int k = 0; k < K; ++k) w[k] = exp(z[k] - top);
  V const sum = pairwise_sum<0, K>(w);
  MHC_UNROLL for (int k = 0; k < K; ++k) w[k] = w[k] / sum;
  return w;
}

/// w∘(x − ⟨w, x⟩): the derivative of w = softmax(z) applied to x. Symmetric, so it is the vjp and the jvp. Every x is
/// taken relative to the one with the largest weight: where that weight is almost 1, its own derivative is a sum of
/// small terms, which a difference of large ones would lose.
template <class V, int K>
MHC_HD inline vec<V, K> softmax_derivative(vec<V, K> const& w, vec<V, K> const& x) {
  V top = w[0], origin = x[0];
  MHC_UNROLL for (int k = 1; k < K; ++k) {
    auto const larger = less(top, w[k]);
    top = select<V>(larger, w[k], top);
    origin = select<V>(larger, x[k], origin);
  }
  V mean(0);
  MHC_UNROLL for (int k = 0; k < K; ++k) mean = mean + w[k] * (x[k] - origin);
  vec<V, K> result;
  MHC_UNROLL for (int k = 0; k < K; ++k) result[k] = w[k] * ((x[k] - origin) - mean);
  return result;
}

/// p = σ(z) and q = 1 − σ(z).
template <class V>
struct two_shares {
  V p, q;

  /// dp/dz = −dq/dz.
  MHC_HD V derivative() const { return p * q; }
};

/// Both shares with full relative accuracy, and a sum within eps/4 of 1: the smaller is a quotient, the larger what it
/// leaves. ±infinity gives 0 and 1.
template <class V>
MHC_HD inline two_shares<V> share(V const& z) {
  using std::exp;
  V const e = exp(-magnitude(z));
  V const smaller = e / (V(1) + e), larger = V(1) - smaller;
  auto const negative = less(z, V(0));
  return {select<V>(negative, smaller, larger), select<V>(negative, larger, smaller)};
}

}  // namespace mhc::math

MHC_END_LANES
