// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/lane.hpp>
#include <mhc/math/tile.hpp>

/// @file
/// The Cayley transform Q = (I − A)(I + A)⁻¹ of a skew-symmetric A: a rotation (QᵀQ = I, det Q = 1) without the
/// eigenvalue −1.
///
/// I + A has a positive definite symmetric part, so it can be eliminated without pivoting; but its entries then grow
/// with the square of A, which costs float its digits from |A| = 100 on. Bordering it row by row instead, with a the
/// new column of A,
///   Q' = (I − A')(I + A')⁻¹ = diag(Q, −1)·(I − 2 w wᵀ / wᵀw),  w = (v, 1),  v = (Qᵀa + a)/2,
/// because 1 + aᵀ(I + A)⁻¹a = 1 + vᵀv, and Q v is what the elimination subtracts. That is the same elimination, with its
/// pivot 1 + vᵀv ≥ 1 known beforehand, written as a reflection: Q stays orthogonal to rounding however large A is.
/// There is no branch and no small divisor.
///
/// Loops that run over a row number are left to the compiler: unrolled, 16 rows would be thousands of instructions.

MHC_BEGIN_LANES

namespace mhc::math {

/// Number of entries above the diagonal.
MHC_HD constexpr int strict_upper(int m) { return m * (m - 1) / 2; }

/// Where entry (i, j), i < j, stands among them, row by row.
template <int M>
MHC_HD constexpr int strict_upper_index(int i, int j) {
  return i * M - i * (i + 1) / 2 + (j - i - 1);
}

/// Q of leading order k becomes Q of order k + 1.
template <class V, int M>
MHC_HD inline void add_to_cayley(tile<V, M>& q, vec<V, M> const& a, int k) {
  vec<V, M> w;
  V scale(1);  // w is divided by its largest entry: its square cannot overflow
  for (int j = 0; j < k; ++j) {
    V sum = a[j];
    for (int i = 0; i < k; ++i) sum = sum + q.at[i][j] * a[i];
    w[j] = V(scalar_of<V>(0.5)) * sum;
    scale = maximum<V>(scale, magnitude(w[j]));
  }
  w[k] = V(1);
  V square(0);
  for (int j = 0; j <= k; ++j) {
    w[j] = w[j] / scale;
    square = square + w[j] * w[j];
    q.at[j][k] = q.at[k][j] = V(j < k ? 0 : -1);
  }
  V const factor = V(2) / square;
  for (int i = 0; i <= k; ++i) {
    V sum(0);
    for (int j = 0; j <= k; ++j) sum = sum + q.at[i][j] * w[j];
    V const share = factor * sum;
    for (int j = 0; j <= k; ++j) q.at[i][j] = q.at[i][j] - share * w[j];
  }
}

/// Q for A = Θ − Θᵀ, where z holds Θ above its diagonal, row by row.
template <int M, class V>
MHC_HD inline tile<V, M> cayley(vec<V, strict_upper(M)> const& z) {
  tile<V, M> q;
  q.at[0][0] = V(1);
  for (int k = 1; k < M; ++k) {
    vec<V, M> a;
    for (int i = 0; i < k; ++i) a[i] = z[strict_upper_index<M>(i, k)];
    add_to_cayley(q, a, k);
  }
  return q;
}

template <class V, int M>
MHC_HD inline tile<V, M> one_plus(tile<V, M> a) {
  for (int i = 0; i < M; ++i) a.at[i][i] = a.at[i][i] + V(1);
  return a;
}

/// A B.
template <class V, int M>
MHC_HD inline tile<V, M> product(tile<V, M> const& a, tile<V, M> const& b) {
  tile<V, M> c;
  for (int i = 0; i < M; ++i) MHC_UNROLL for (int j = 0; j < M; ++j) {
      V sum = a.at[i][0] * b.at[0][j];
      for (int k = 1; k < M; ++k) sum = sum + a.at[i][k] * b.at[k][j];
      c.at[i][j] = sum;
    }
  return c;
}

/// Q + Q(I − QᵀQ)/2: what rounding has left of QᵀQ − I is squared.
template <class V, int M>
MHC_HD inline tile<V, M> orthonormalised(tile<V, M> const& q) {
  auto e = product(transposed(q), q);
  for (int i = 0; i < M; ++i)
    MHC_UNROLL for (int j = 0; j < M; ++j) e.at[i][j] = V(scalar_of<V>(0.5)) * (V(i == j ? 1 : 0) - e.at[i][j]);
  e = product(q, e);
  for (int i = 0; i < M; ++i) MHC_UNROLL for (int j = 0; j < M; ++j) e.at[i][j] = q.at[i][j] + e.at[i][j];
  return e;
}

/// δQ = −(I + Q) δA (I + Q) / 2, from (I + A)⁻¹ = (I + Q)/2.
template <class V, int M>
MHC_HD inline tile<V, M> cayley_jvp(tile<V, M> const& q, vec<V, strict_upper(M)> const& tangent) {
  tile<V, M> a;
  for (int i = 0; i < M; ++i) {
    a.at[i][i] = V(0);
    for (int j = i + 1; j < M; ++j) {
      a.at[i][j] = V(scalar_of<V>(-0.5)) * tangent[strict_upper_index<M>(i, j)];
      a.at[j][i] = -a.at[i][j];
    }
  }
  auto const e = one_plus(q);
  return product(product(e, a), e);
}

/// The transpose of `cayley_jvp`: with B = −(I + Q)ᵀ G (I + Q)ᵀ / 2 the gradient of Θ_ij is B_ij − B_ji.
template <class V, int M>
MHC_HD inline vec<V, strict_upper(M)> cayley_vjp(tile<V, M> const& q, tile<V, M> const& gradient) {
  auto const e = transposed(one_plus(q));
  auto const b = product(product(e, gradient), e);
  vec<V, strict_upper(M)> result;
  for (int i = 0; i < M; ++i)
    for (int j = i + 1; j < M; ++j)
      result[strict_upper_index<M>(i, j)] = V(scalar_of<V>(0.5)) * (b.at[j][i] - b.at[i][j]);
  return result;
}

}  // namespace mhc::math

MHC_END_LANES
