// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/sinkhorn.hpp>
#include <mhc/math/tile.hpp>

/// @file
/// Derivatives of the finite iteration itself (not of its limit): `unrolled` in the literature.
///
/// With f = log u, g = log v, L = log K, and the scaled matrices R after a row step and Q after a column step,
///   δg' = leak δg − slope Qᵀ(δL + δf),   δf' = leak δf − slope R (δL + δg),   δP = P∘(δL ⊕ δf ⊕ δg),
/// where R(δL + δg) is short for Σ_j R_ij (δL_ij + δg_j); the plain division has leak 0 and slope 1. The vjp is the
/// transpose, run backwards. It needs the scalings alone: a segment of them is stored and the rest is run again from a
/// checkpoint per segment, so that memory is O(√iterations). All gradients here are those of L = log K.

namespace mhc::math {

/// Rounds whose scalings are kept at a time by the unrolled vjp.
inline constexpr int sinkhorn_segment = 32;
inline constexpr int sinkhorn_vjp_rounds = sinkhorn_segment * sinkhorn_segment;

/// Transpose of one step on the rows of `kernel`: spends the gradient f of the new potentials into that of L and of
/// the other side's potentials; what leaks stays in f.
template <class Scheme, class V, int N>
MHC_HD inline void row_step_adjoint(Scheme const& scheme, tile<V, N> const& kernel, vec<V, N> const& old,
                                    vec<V, N> const& u, vec<V, N> const& v, vec<V, N>& f, tile<V, N>& l, vec<V, N>& g) {
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    V spend = f[i];
    f[i] = V(0);
    if constexpr (!Scheme::forgets) {
      auto const d = scheme.derivative(old[i], row_of(kernel, i), v);
      f[i] = d.leak * spend;
      spend = d.slope * spend;
    }
    MHC_UNROLL for (int j = 0; j < N; ++j) {
      V const spent = spend * Scheme::entry(kernel.at[i][j], u[i], v[j]);
      l.at[i][j] = l.at[i][j] - spent;
      g[j] = g[j] - spent;
    }
  }
}

template <class Scheme, class V, int N>
MHC_HD inline void column_step_adjoint(Scheme const& scheme, tile<V, N> const& kernel, vec<V, N> const& old,
                                       vec<V, N> const& u, vec<V, N> const& v, vec<V, N>& g, tile<V, N>& l,
                                       vec<V, N>& f) {
  MHC_UNROLL for (int j = 0; j < N; ++j) {
    V spend = g[j];
    g[j] = V(0);
    if constexpr (!Scheme::forgets) {
      auto const d = scheme.derivative(old[j], column_of(kernel, j), u);
      g[j] = d.leak * spend;
      spend = d.slope * spend;
    }
    MHC_UNROLL for (int i = 0; i < N; ++i) {
      V const spent = spend * Scheme::entry(kernel.at[i][j], u[i], v[j]);
      l.at[i][j] = l.at[i][j] - spent;
      f[i] = f[i] - spent;
    }
  }
}

/// Scalings before the first and after every round of one segment.
template <class V, int N>
struct sinkhorn_history {
  vec<V, N> u[sinkhorn_segment + 1];
  vec<V, N> v[sinkhorn_segment + 1];
};

template <class Scheme, class V, int N>
MHC_HD inline void run_segment(Scheme const& scheme, tile<V, N> const& kernel, sinkhorn_length length, int first,
                               int rounds, sinkhorn_history<V, N>& history) {
  for (int k = 0; k < rounds; ++k) {
    history.v[k + 1] = history.v[k];
    history.u[k + 1] = history.u[k];
    step_columns(scheme, kernel, history.u[k], history.v[k + 1]);
    if (length.has_rows(first + k)) step_rows(scheme, kernel, history.v[k + 1], history.u[k + 1]);
  }
}

/// ∂loss/∂L from ∂loss/∂P.
template <class Scheme, class V, int N>
MHC_HD inline tile<V, N> sinkhorn_vjp(Scheme const& scheme, tile<V, N> const& kernel, sinkhorn_length length,
                                      tile<V, N> const& gradient) {
  int const last = (length.rounds - 1) / sinkhorn_segment;
  vec<V, N> u_checkpoint[sinkhorn_segment], v_checkpoint[sinkhorn_segment];
  sinkhorn_history<V, N> history;
  history.u[0] = history.v[0] = filled<N>(Scheme::template neutral<V>());
  for (int s = 0; s < last; ++s) {
    u_checkpoint[s] = history.u[0];
    v_checkpoint[s] = history.v[0];
    run_segment(scheme, kernel, length, s * sinkhorn_segment, sinkhorn_segment, history);
    history.u[0] = history.u[sinkhorn_segment];
    history.v[0] = history.v[sinkhorn_segment];
  }
  u_checkpoint[last] = history.u[0];
  v_checkpoint[last] = history.v[0];

  tile<V, N> l;
  auto f = filled<N>(V(0)), g = f;
  for (int s = last; s >= 0; --s) {
    int const first = s * sinkhorn_segment;
    int const rounds = s == last ? length.rounds - first : sinkhorn_segment;
    history.u[0] = u_checkpoint[s];
    history.v[0] = v_checkpoint[s];
    run_segment(scheme, kernel, length, first, rounds, history);
    if (s == last) {  // δP = P∘(δL ⊕ δf ⊕ δg)
      MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) {
        V const p = Scheme::entry(kernel.at[i][j], history.u[rounds][i], history.v[rounds][j]);
        l.at[i][j] = gradient.at[i][j] * p;
        f[i] = f[i] + l.at[i][j];
        g[j] = g[j] + l.at[i][j];
      }
    }
    for (int k = rounds - 1; k >= 0; --k) {
      auto const& v = history.v[k + 1];
      if (length.has_rows(first + k)) row_step_adjoint(scheme, kernel, history.u[k], history.u[k + 1], v, f, l, g);
      column_step_adjoint(scheme, kernel, history.v[k], history.u[k], v, g, l, f);
    }
  }
  return l;
}

/// δP from δL, along the forward iteration: nothing is stored.
template <class Scheme, class V, int N>
MHC_HD inline tile<V, N> sinkhorn_jvp(Scheme const& scheme, tile<V, N> const& kernel, sinkhorn_length length,
                                      tile<V, N> const& tangent) {
  auto u = filled<N>(Scheme::template neutral<V>()), v = u;
  auto f = filled<N>(V(0)), g = f;
  for (int t = 0; t < length.rounds; ++t) {
    auto const old_v = v;
    step_columns(scheme, kernel, u, v);
    MHC_UNROLL for (int j = 0; j < N; ++j) {
      V sum(0);
      MHC_UNROLL for (int i = 0; i < N; ++i) sum =
          sum + Scheme::entry(kernel.at[i][j], u[i], v[j]) * (tangent.at[i][j] + f[i]);
      if constexpr (Scheme::forgets) {
        g[j] = -sum;
      } else {
        auto const d = scheme.derivative(old_v[j], column_of(kernel, j), u);
        g[j] = d.leak * g[j] - d.slope * sum;
      }
    }
    if (!length.has_rows(t)) break;
    auto const old_u = u;
    step_rows(scheme, kernel, v, u);
    MHC_UNROLL for (int i = 0; i < N; ++i) {
      V sum(0);
      MHC_UNROLL for (int j = 0; j < N; ++j) sum =
          sum + Scheme::entry(kernel.at[i][j], u[i], v[j]) * (tangent.at[i][j] + g[j]);
      if constexpr (Scheme::forgets) {
        f[i] = -sum;
      } else {
        auto const d = scheme.derivative(old_u[i], row_of(kernel, i), v);
        f[i] = d.leak * f[i] - d.slope * sum;
      }
    }
  }
  tile<V, N> p;
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) p.at[i][j] =
      Scheme::entry(kernel.at[i][j], u[i], v[j]) * ((tangent.at[i][j] + f[i]) + g[j]);
  return p;
}

}  // namespace mhc::math
