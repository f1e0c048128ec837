// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/laplacian.hpp>
#include <mhc/math/tile.hpp>

#include <cmath>

/// @file
/// The open Birkhoff polytope as a Riemannian manifold, at ONE point P in registers: positive matrices with unit row
/// and column sums, dimension (N−1)², under the Fisher metric ⟨U, V⟩_P = Σ_ij U_ij V_ij / P_ij.
///
/// Its tangent space is the same at every point: the matrices whose rows and columns sum to 0. Its normal space at P in
/// the Fisher metric is {P∘(a⊕b)}, hence the orthogonal projection M ↦ M − P∘(α⊕β), which is the linear system of
/// <mhc/math/laplacian.hpp>.
///
/// A. Douik, B. Hassibi, IEEE Trans. Signal Process. 67 (2019) 5761–5774, arXiv:1802.02628.

MHC_BEGIN_LANES

namespace mhc::math {

/// ⟨U, V⟩_P = Σ U_ij V_ij / P_ij.
template <class V, int N>
MHC_HD inline V fisher_inner(tile<V, N> const& p, tile<V, N> const& a, tile<V, N> const& b) {
  V sum(0);
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) sum =
      sum + a.at[i][j] * (b.at[i][j] / p.at[i][j]);
  return sum;
}

template <class V, int N>
MHC_HD inline V fisher_norm(tile<V, N> const& p, tile<V, N> const& u) {
  using std::sqrt;
  return sqrt(fisher_inner(p, u, u));
}

/// Π_P(M) = M − P∘(α⊕β), where [diag r, P; Pᵀ, diag c][α; β] = [M1; Mᵀ1] with the marginals r, c that P has.
///
/// implicit_derivative(P, X) is Π_P(P∘X); this is the same for an M that is not given as P times something, so P may
/// have zeros. Like there, nothing is subtracted but the two sides of M itself: with Q = diag(1/r) P and
/// T = M − P diag(β),
///   flow_jk = Σ_i (M_ij Q_ik − Q_ij M_ik),   Π_P(M)_ij = Σ_{k≠j} (T_ij Q_ik − Q_ij T_ik).
template <class V, int N>
MHC_HD inline tile<V, N> tangent_projection(tile<V, N> const& p, tile<V, N> const& m) {
  auto const q = shares_of_rows(p);
  tile<V, N> w, flow;
  MHC_UNROLL for (int j = 0; j < N; ++j) MHC_UNROLL for (int k = j + 1; k < N; ++k) {
    w.at[j][k] = flow.at[j][k] = V(0);
    MHC_UNROLL for (int i = 0; i < N; ++i) {
      w.at[j][k] = w.at[j][k] + p.at[i][j] * q.at[i][k];
      flow.at[j][k] = flow.at[j][k] + (m.at[i][j] * q.at[i][k] - q.at[i][j] * m.at[i][k]);
    }
  }
  auto const beta = solve_flows(w, flow);
  tile<V, N> result;
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    vec<V, N> t;
    MHC_UNROLL for (int j = 0; j < N; ++j) t[j] = m.at[i][j] - p.at[i][j] * beta[j];
    MHC_UNROLL for (int j = 0; j < N; ++j) {
      V sum(0);
      MHC_UNROLL for (int k = 0; k < N; ++k) if (k != j) sum = sum + (t[j] * q.at[i][k] - q.at[i][j] * t[k]);
      result.at[i][j] = sum;
    }
  }
  return result;
}

/// grad f = Π_P(P∘G) from the Euclidean gradient G = ∂f/∂P.
template <class V, int N>
MHC_HD inline tile<V, N> riemannian_gradient(tile<V, N> const& p, tile<V, N> const& euclidean) {
  return implicit_derivative(p, euclidean);
}

/// Hess f[U] = Π_P(P∘H + ½ grad f∘U/P), from H = D(∂f/∂P)[U], the Euclidean Hessian applied to the tangent U.
///
/// The tangent space does not depend on P, so a vector field X has two flat derivatives along U (S. Amari, H. Nagaoka,
/// Methods of Information Geometry, AMS 2000): the mixture connection's, DX[U], and the exponential connection's, which
/// differentiates X/P, DX[U] − Π_P(X∘U/P). The Levi-Civita connection of the Fisher metric is their mean,
/// DX[U] − ½ Π_P(X∘U/P), and D(grad f)[U] = Π_P(P∘H + U∘grad f/P) because both sides are tangent.
template <class V, int N>
MHC_HD inline tile<V, N> riemannian_hessian(tile<V, N> const& p, tile<V, N> const& gradient,
                                            tile<V, N> const& euclidean_hessian, tile<V, N> const& u) {
  V const half(scalar_of<V>(0.5));
  tile<V, N> m;
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) m.at[i][j] =
      p.at[i][j] * euclidean_hessian.at[i][j] + half * gradient.at[i][j] * (u.at[i][j] / p.at[i][j]);
  return tangent_projection(p, m);
}

}  // namespace mhc::math

MHC_END_LANES
