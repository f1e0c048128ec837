// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/lane.hpp>
#include <mhc/math/tile.hpp>

/// @file
/// The one linear system behind every derivative of the entropic projection, solved without a subtraction.
///
/// A scaling P with marginals r = P1, c = Pᵀ1 has tangent Π_P(M) = M − P∘(α⊕β), where
/// [diag r, P; Pᵀ, diag c][α; β] = [M1; Mᵀ1]. Eliminating α leaves diag(c) − Pᵀ diag(1/r) P, which is the Laplacian of
/// a graph on the columns with weights w_jk = Σ_i P_ij P_ik / r_i: a sum of products, where the difference would
/// cancel. Gaussian elimination on it (Grassmann, Taksar, Heyman 1985: star–mesh) only adds, multiplies and divides
/// positive numbers, so every weight keeps full relative accuracy.
///
/// r and c are always the marginals that P has. Assuming 1 is wrong by up to 1e4 where P is not converged.

MHC_BEGIN_LANES

namespace mhc::math {

/// A column whose weights sum to less than this is coupled to no other as far as V can tell: its products P_ij P_ik
/// have underflowed, and with them every effect of β_j on the result. Far enough from the smallest number for 1/x and
/// small multiples of it not to overflow.
template <class V>
inline constexpr scalar_of<V> uncoupled = smallest<V> * scalar_of<V>(4096);

/// Solves Σ_k w_jk (β_j − β_k) = rhs_j with β_{N−1} = 0. `w` above the diagonal and `rhs` are spent. What a group of
/// columns lacks altogether counts as nothing up to `noise`, and up to N times that where nothing couples the group to
/// the rest: the division by a weak coupling would blow it up.
template <class V, int N>
MHC_HD inline vec<V, N> solve_laplacian(tile<V, N>& w, vec<V, N>& rhs, scalar_of<V> noise = 0) {
  vec<V, N> degree, beta;
  MHC_UNROLL for (int k = 0; k < N - 1; ++k) {
    V sum(0);
    MHC_UNROLL for (int l = k + 1; l < N; ++l) sum = sum + w.at[k][l];
    degree[k] = quotient(V(1), maximum(sum, V(uncoupled<V>)));
    if (noise > 0) {
      V const nothing = select<V>(less<V>(sum, V(uncoupled<V>)), V(N * noise), V(noise));
      rhs[k] = select<V>(less<V>(nothing, magnitude(rhs[k])), rhs[k], V(0));
    }
    MHC_UNROLL for (int l = k + 1; l < N; ++l) {
      V const share = w.at[k][l] * degree[k];
      rhs[l] = rhs[l] + share * rhs[k];
      MHC_UNROLL for (int m = l + 1; m < N; ++m) w.at[l][m] = w.at[l][m] + share * w.at[k][m];
    }
  }
  beta[N - 1] = V(0);
  MHC_UNROLL for (int k = N - 2; k >= 0; --k) {
    V sum = rhs[k];
    MHC_UNROLL for (int l = k + 1; l < N; ++l) sum = sum + w.at[k][l] * beta[l];
    beta[k] = sum * degree[k];
  }
  return beta;
}

/// Solves Σ_k w_jk (β_j − β_k) = Σ_k F_jk, F antisymmetric and both above the diagonal, with β_{N−1} = 0. Both are spent.
///
/// Each F_jk / w_jk is a difference that β_j − β_k should have, and stays an average of such differences all through the
/// elimination, however weakly groups of columns are coupled to each other. Sums of the F_jk would not: what rounding
/// leaves of such a sum over a group, divided by its weak coupling, would bury the differences inside the group.
template <class V, int N>
MHC_HD inline vec<V, N> solve_flows(tile<V, N>& w, tile<V, N>& flow) {
  vec<V, N> inverse, beta;
  MHC_UNROLL for (int k = 0; k < N - 1; ++k) {
    V sum(0);
    MHC_UNROLL for (int l = k + 1; l < N; ++l) sum = sum + w.at[k][l];
    inverse[k] = quotient(V(1), maximum(sum, V(uncoupled<V>)));
    MHC_UNROLL for (int l = k + 1; l < N; ++l) {
      V const share = w.at[k][l] * inverse[k], flow_share = flow.at[k][l] * inverse[k];
      MHC_UNROLL for (int m = l + 1; m < N; ++m) {
        w.at[l][m] = w.at[l][m] + share * w.at[k][m];
        flow.at[l][m] = flow.at[l][m] + (share * flow.at[k][m] - flow_share * w.at[k][m]);
      }
    }
  }
  beta[N - 1] = V(0);
  MHC_UNROLL for (int k = N - 2; k >= 0; --k) {
    V sum(0);
    MHC_UNROLL for (int l = k + 1; l < N; ++l) sum = sum + (flow.at[k][l] + w.at[k][l] * beta[l]);
    beta[k] = sum * inverse[k];
  }
  return beta;
}

/// x_00 + x_11 − x_01 − x_10, rounded once: the rounding errors of the two sums are summed beside them (D. Knuth, The Art
/// of Computer Programming 2, section 4.2.2, theorem B).
template <class V>
MHC_HD inline V alternating_sum(tile<V, 2> const& x) {
  V const s = x.at[0][0] + x.at[1][1], s1 = s - x.at[0][0];
  V const t = x.at[0][1] + x.at[1][0], t1 = t - x.at[0][1];
  V const s_error = (x.at[0][0] - (s - s1)) + (x.at[1][1] - s1);
  V const t_error = (x.at[0][1] - (t - t1)) + (x.at[1][0] - t1);
  return (s - t) + (s_error - t_error);
}

/// P_ij / r_i.
template <class V, int N>
MHC_HD inline tile<V, N> shares_of_rows(tile<V, N> const& p) {
  tile<V, N> q;
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    V row = p.at[i][0];
    MHC_UNROLL for (int j = 1; j < N; ++j) row = row + p.at[i][j];
    V const inverse = quotient(V(1), row);
    MHC_UNROLL for (int j = 0; j < N; ++j) q.at[i][j] = p.at[i][j] * inverse;
  }
  return q;
}

/// E_X = X − α⊕β, with rows and columns of P∘E_X that sum to 0. Written in differences of X along a row, which is how a
/// constant added to a line of X drops out before it is rounded.
template <class V, int N>
MHC_HD inline tile<V, N> without_potentials(tile<V, N> const& p, tile<V, N> const& x) {
  auto const q = shares_of_rows(p);
  tile<V, N> w, flow, e;
  MHC_UNROLL for (int j = 0; j < N; ++j) MHC_UNROLL for (int k = j + 1; k < N; ++k) {
    w.at[j][k] = flow.at[j][k] = V(0);
    MHC_UNROLL for (int i = 0; i < N; ++i) {
      V const product = p.at[i][j] * q.at[i][k];
      w.at[j][k] = w.at[j][k] + product;
      flow.at[j][k] = flow.at[j][k] + product * (x.at[i][j] - x.at[i][k]);
    }
  }
  auto const beta = solve_flows(w, flow);
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) {
    e.at[i][j] = V(0);
    MHC_UNROLL for (int k = 0; k < N; ++k) if (k != j) e.at[i][j] =
        e.at[i][j] + q.at[i][k] * ((x.at[i][j] - beta[j]) - (x.at[i][k] - beta[k]));
  }
  return e;
}

/// Order 2 in closed form, where the flows would leave a difference of what is almost the same.
template <class V>
MHC_HD inline tile<V, 2> without_potentials(tile<V, 2> const& p, tile<V, 2> const& x) {
  auto const q = shares_of_rows(p);
  V const top = p.at[0][0] * q.at[0][1], bottom = p.at[1][0] * q.at[1][1];
  V const d = quotient(alternating_sum(x), maximum<V>(top + bottom, V(uncoupled<V>)));
  V const above = d * bottom, below = -d * top;
  return {{{above * q.at[0][1], -above * q.at[0][0]}, {below * q.at[1][1], -below * q.at[1][0]}}};
}

template <class V, int N>
MHC_HD inline tile<V, N> elementwise_product(tile<V, N> a, tile<V, N> const& b) {
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) a.at[i][j] = a.at[i][j] * b.at[i][j];
  return a;
}

/// P∘(X − α⊕β) = Π_P(P∘X): the derivative of the entropic projection applied to X. The Jacobian is symmetric, so this
/// is the vjp for X = ∂loss/∂P and the jvp for X = δZ.
template <class V, int N>
MHC_HD inline tile<V, N> implicit_derivative(tile<V, N> const& p, tile<V, N> const& x) {
  return elementwise_product(p, without_potentials(p, x));
}

/// The gradients of ⟨U, implicit_derivative(P, G)⟩ with respect to G and to the logits Z behind P.
template <class V, int N>
struct second_vjp {
  tile<V, N> plan_gradient;
  tile<V, N> logits;
};

/// With respect to G it is the derivative again, for that is symmetric: P∘E_U. With respect to Z it is the second
/// derivative of the projection, D²P[G, U] = Π_P(P∘E_G∘E_U): as a form, ⟨Y, D²P[G, U]⟩ = Σ P∘E_G∘E_U∘E_Y, it is symmetric
/// in all three arguments.
template <class V, int N>
MHC_HD inline second_vjp<V, N> implicit_second_vjp(tile<V, N> const& p, tile<V, N> const& g, tile<V, N> const& u) {
  auto const e = without_potentials(p, u);
  return {elementwise_product(p, e), implicit_derivative(p, elementwise_product(without_potentials(p, g), e))};
}

}  // namespace mhc::math

MHC_END_LANES
