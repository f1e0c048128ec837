// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/lane.hpp>
#include <mhc/math/sinkhorn.hpp>
#include <mhc/math/softmax.hpp>
#include <mhc/math/tile.hpp>

/// @file
/// Rows and columns joined by the entries of a nonnegative matrix E: the linear system of all corrections
/// E∘(a⊕b) that give a matrix the marginals it should have. Without the rows (r = E1) it is the Laplacian of a graph on
/// the columns with weights w_jk = Σ_i E_ij E_ik / r_i, and, as in <mhc/math/laplacian.hpp>, eliminated without a
/// subtraction; but the graph may fall apart.

MHC_BEGIN_LANES

namespace mhc::math {

/// E and 1/r_i.
template <class V, int N>
struct bipartite {
  tile<V, N> edge;
  vec<V, N> share;

  MHC_HD explicit bipartite(tile<V, N> const& e) : edge(e) {
    MHC_UNROLL for (int i = 0; i < N; ++i) share[i] = V(1) / pairwise_sum<0, N>(row_of(e, i));
  }
};

/// The weights of the graph on the columns, above the diagonal.
template <class V, int N>
MHC_HD inline tile<V, N> column_graph(bipartite<V, N> const& s) {
  tile<V, N> w;
  MHC_UNROLL for (int j = 0; j < N; ++j) MHC_UNROLL for (int k = j + 1; k < N; ++k) {
    V weight(0);
    MHC_UNROLL for (int i = 0; i < N; ++i) weight = weight + s.edge.at[i][j] * s.edge.at[i][k] * s.share[i];
    w.at[j][k] = weight;
  }
  return w;
}

/// Solves Σ_k w_jk (β_j − β_k) + μ_j β_j = rhs_j. The pieces of a graph that falls apart are solved each by itself; in
/// one without any μ the last β is 0, and the sum of its rhs, which has to be 0 but for rounding, is dropped. All three
/// arguments are spent. Without μ the weights have to be
/// either 0 or far from it, as those of a pattern of zeros and ones are.
template <class V, int N>
MHC_HD inline vec<V, N> solve_pieces(tile<V, N>& w, vec<V, N>& mu, vec<V, N>& rhs) {
  vec<V, N> inverse, beta;
  MHC_UNROLL for (int k = 0; k < N; ++k) {
    V degree = mu[k];
    MHC_UNROLL for (int l = k + 1; l < N; ++l) degree = degree + w.at[k][l];
    auto const held = less(V(0), degree);
    inverse[k] = select<V>(held, V(1) / select<V>(held, degree, V(1)), V(0));
    MHC_UNROLL for (int l = k + 1; l < N; ++l) {
      V const share = w.at[k][l] * inverse[k];
      rhs[l] = rhs[l] + share * rhs[k];
      mu[l] = mu[l] + share * mu[k];
      MHC_UNROLL for (int m = l + 1; m < N; ++m) w.at[l][m] = w.at[l][m] + share * w.at[k][m];
    }
  }
  MHC_UNROLL for (int k = N - 1; k >= 0; --k) {
    V sum = rhs[k];
    MHC_UNROLL for (int l = k + 1; l < N; ++l) sum = sum + w.at[k][l] * beta[l];
    beta[k] = sum * inverse[k];
  }
  return beta;
}

/// P + E∘(a⊕b), where E∘(a⊕b) takes out of P what rounding has left of its marginals. Rows and columns are summed in
/// halves and every entry is rounded once. Summed by rows and by columns, what a piece of the graph lacks differs by
/// rounding: a small μ shares that out among its columns, where μ = 0 would leave it to the last.
template <class V, int N>
MHC_HD inline tile<V, N> balanced(tile<V, N> p, tile<V, N> const& e) {
  bipartite<V, N> const s(e);
  vec<V, N> row, column;
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    row[i] = s.share[i] * (V(1) - pairwise_sum<0, N>(row_of(p, i)));
    column[i] = V(1) - pairwise_sum<0, N>(column_of(p, i));
  }
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) column[j] =
      column[j] - e.at[i][j] * row[i];
  auto w = column_graph(s);
  auto mu = filled<N>(V(scalar_of<V>(1e-3)));
  auto const d = solve_pieces(w, mu, column);
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    V mean(0);
    MHC_UNROLL for (int j = 0; j < N; ++j) mean = mean + e.at[i][j] * d[j];
    MHC_UNROLL for (int j = 0; j < N; ++j) p.at[i][j] = p.at[i][j] + e.at[i][j] * (row[i] + (d[j] - mean * s.share[i]));
  }
  return p;
}

/// The same by factors close to 1: P + P∘(a⊕b) for a P that is doubly stochastic but for rounding.
template <class V, int N>
MHC_HD inline tile<V, N> balanced(tile<V, N> const& p) {
  return balanced(p, p);
}

}  // namespace mhc::math

MHC_END_LANES
