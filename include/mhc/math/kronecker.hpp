// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/softmax.hpp>
#include <mhc/math/tile.hpp>

/// @file
/// P = ⊗_k [[p_k, q_k], [q_k, p_k]] with N = 2^K rows: P_ij depends on i xor j alone, because each bit of it says whether
/// factor k contributes p_k (equal bits of i and j) or q_k. So P is held by its first row c, P_ij = c[i xor j].

MHC_BEGIN_LANES

namespace mhc::math {

/// K with 2^K = N.
MHC_HD constexpr int binary_digits(int n) { return n > 1 ? 1 + binary_digits(n / 2) : 0; }

/// Factor 0 is the leftmost, hence the highest bit.
template <int K>
MHC_HD constexpr bool swapped(int m, int k) {
  return ((m >> (K - 1 - k)) & 1) != 0;
}

template <class V, int K>
using kronecker_factors = vec<two_shares<V>, K>;

template <class V, int K>
MHC_HD inline kronecker_factors<V, K> shares_of(vec<V, K> const& z) {
  kronecker_factors<V, K> f;
  MHC_UNROLL for (int k = 0; k < K; ++k) f[k] = share(z[k]);
  return f;
}

/// Π over the factors of c[m], without factor `leave_out`.
template <class V, int K>
MHC_HD inline V kronecker_product(kronecker_factors<V, K> const& f, int m, int leave_out = -1) {
  V product(1);
  MHC_UNROLL for (int k = 0; k < K; ++k) if (k != leave_out) product = product * (swapped<K>(m, k) ? f[k].q : f[k].p);
  return product;
}

template <class V, int N>
MHC_HD inline tile<V, N> from_first_row(vec<V, N> const& c) {
  tile<V, N> p;
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) p.at[i][j] = c[i ^ j];
  return p;
}

template <int N, class V, int K>
MHC_HD inline tile<V, N> kronecker(vec<V, K> const& z) {
  auto const f = shares_of(z);
  vec<V, N> c;
  MHC_UNROLL for (int m = 0; m < N; ++m) c[m] = kronecker_product(f, m);
  return from_first_row(c);
}

template <class V, int N, int K>
MHC_HD inline vec<V, K> kronecker_vjp(vec<V, K> const& z, tile<V, N> const& gradient) {
  auto const f = shares_of(z);
  vec<V, N> g;  // ∂loss/∂c
  MHC_UNROLL for (int m = 0; m < N; ++m) {
    g[m] = gradient.at[0][m];
    MHC_UNROLL for (int i = 1; i < N; ++i) g[m] = g[m] + gradient.at[i][i ^ m];
  }
  vec<V, K> result;
  MHC_UNROLL for (int k = 0; k < K; ++k) {
    V sum(0);
    MHC_UNROLL for (int m = 0; m < N; ++m) if (!swapped<K>(m, k)) sum =
        sum + kronecker_product(f, m, k) * (g[m] - g[m ^ (1 << (K - 1 - k))]);
    result[k] = f[k].derivative() * sum;
  }
  return result;
}

template <int N, class V, int K>
MHC_HD inline tile<V, N> kronecker_jvp(vec<V, K> const& z, vec<V, K> const& tangent) {
  auto const f = shares_of(z);
  vec<V, N> c;
  MHC_UNROLL for (int m = 0; m < N; ++m) {
    c[m] = V(0);
    MHC_UNROLL for (int k = 0; k < K; ++k) {
      V const change = f[k].derivative() * tangent[k] * kronecker_product(f, m, k);
      c[m] = swapped<K>(m, k) ? c[m] - change : c[m] + change;
    }
  }
  return from_first_row(c);
}

}  // namespace mhc::math

MHC_END_LANES
