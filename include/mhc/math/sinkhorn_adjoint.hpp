// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/gauge.hpp>
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

MHC_BEGIN_LANES

namespace mhc::math {

/// Rounds whose scalings are kept at a time by the unrolled vjp.
inline constexpr int sinkhorn_segment = 32;
inline constexpr int sinkhorn_vjp_rounds = sinkhorn_segment * sinkhorn_segment;

/// Scalings before the first and after every round of one segment.
template <class V, int N>
struct sinkhorn_history {
  vec<V, N> u[sinkhorn_segment + 1];
  vec<V, N> v[sinkhorn_segment + 1];
};

template <class Scheme, class Kernel, class V, int M>
MHC_HD inline void run_segment(Scheme const& scheme, Kernel const& kernel, sinkhorn_length length, int first,
                               int rounds, sinkhorn_history<V, M>& history) {
  auto u = history.u[0], v = history.v[0];  // in registers: a step would wait for what the last one has stored
  for (int k = 0; k < rounds; ++k) {
    step_columns(scheme, kernel, u, v);
    if (length.has_rows(first + k)) step_rows(scheme, kernel, v, u);
    history.v[k + 1] = v;
    history.u[k + 1] = u;
  }
}

/// Gradients on their way back through the iteration: f and g of log u and log v, `l` of log K.
template <class Scheme, class V, int N>
class sinkhorn_adjoint {
 public:
  /// From ∂loss/∂P, P = diag(u) K diag(v): δP = P∘(δL ⊕ δf ⊕ δg).
  MHC_HD sinkhorn_adjoint(Scheme const& scheme, tile<V, N> const& kernel, sinkhorn_length, vec<V, N> const& u,
                          vec<V, N> const& v, tile<V, N> const& gradient)
      : scheme_(scheme), kernel_(kernel), f_(filled<N>(V(0))), g_(f_) {
    MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) {
      V const p = Scheme::entry(kernel.at[i][j], u[i], v[j]);
      l_.at[i][j] = gradient.at[i][j] * p;
      f_[i] = f_[i] + l_.at[i][j];
      g_[j] = g_[j] + l_.at[i][j];
    }
  }

  /// Spends f, the gradient of the scalings u that a row step made from `old`; what leaks stays in f.
  MHC_HD void rows(vec<V, N> const& old, vec<V, N> const& u, vec<V, N> const& v) {
    MHC_UNROLL for (int i = 0; i < N; ++i) {
      V const spend = spent(f_[i], old[i], row_of(kernel_, i), v);
      MHC_UNROLL for (int j = 0; j < N; ++j) spread(spend, i, j, u, v, g_[j]);
    }
  }
  /// The same for g and a column step.
  MHC_HD void columns(vec<V, N> const& old, vec<V, N> const& u, vec<V, N> const& v) {
    MHC_UNROLL for (int j = 0; j < N; ++j) {
      V const spend = spent(g_[j], old[j], column_of(kernel_, j), u);
      MHC_UNROLL for (int i = 0; i < N; ++i) spread(spend, i, j, u, v, f_[i]);
    }
  }
  MHC_HD tile<V, N> result() const { return l_; }

 private:
  /// What of `gradient` goes on through the line's sum.
  MHC_HD V spent(V& gradient, V const& old, vec<V, N> const& line, vec<V, N> const& other) const {
    V const all = gradient;
    gradient = V(0);
    if constexpr (Scheme::forgets) return all;
    if constexpr (!Scheme::forgets) {
      auto const d = scheme_.derivative(old, line, other);
      gradient = d.leak * all;
      return d.slope * all;
    }
  }
  MHC_HD void spread(V const& spend, int i, int j, vec<V, N> const& u, vec<V, N> const& v, V& gradient) {
    V const share = spend * Scheme::entry(kernel_.at[i][j], u[i], v[j]);
    l_.at[i][j] = l_.at[i][j] - share;
    gradient = gradient - share;
  }

  Scheme const& scheme_;
  tile<V, N> const& kernel_;
  tile<V, N> l_;
  vec<V, N> f_, g_;
};

/// The same in the gauge, where a scaled line is K' v / s, s = K' v: u stands for s_0 / s. Of K', whose factor comes out
/// of the sum over the steps, only the sums of products of scalings are taken on the way.
template <class V, int N>
class sinkhorn_adjoint<gauge, V, N> {
 public:
  static constexpr int M = N - 1;

  MHC_HD sinkhorn_adjoint(gauge, gauge_kernel<V, N> const& kernel, sinkhorn_length length, vec<V, M> const& u,
                          vec<V, M> const& v, tile<V, N> const& gradient)
      : kernel_(kernel), row_weights_(filled<N>(V(0))), f_(row_weights_), g_(f_) {
    auto const p = plan_in_gauge(kernel, u, v, length);
    MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) {
      V const product = gradient.at[i][j] * p.at[i][j];
      f_[i] = f_[i] + product;
      g_[j] = g_[j] + product;
      direct_.at[i][j] = product;
      spread_.at[i][j] = V(0);
    }
  }

  /// Before `columns` of the same round.
  MHC_HD void rows(vec<V, M> const&, vec<V, M> const& u, vec<V, M> const& v) {
    row_weights_ = weights(f_, u, v);
    pass_on(row_weights_, v, g_, transposed(kernel_.at));
  }
  MHC_HD void columns(vec<V, M> const&, vec<V, M> const& u, vec<V, M> const& v) {
    auto const w = weights(g_, v, u);
    pass_on(w, u, f_, kernel_.at);
    MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) {
      V const by_row =
          j == 0 ? spread_.at[i][j] + row_weights_[i] : multiply_add(row_weights_[i], v[j - 1], spread_.at[i][j]);
      spread_.at[i][j] = i == 0 ? by_row + w[j] : multiply_add(u[i - 1], w[j], by_row);
    }
  }
  MHC_HD tile<V, N> result() const {
    auto l = direct_;
    MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) l.at[i][j] =
        l.at[i][j] - (i > 0 && j > 0 ? kernel_.at.at[i - 1][j - 1] * spread_.at[i][j] : spread_.at[i][j]);
    return l;
  }

 private:
  /// gradient_i / s_i, where s is the sums of the lines of `mine` and s_0 the sum of `other`; the gradient is spent.
  MHC_HD static vec<V, N> weights(vec<V, N>& gradient, vec<V, M> const& mine, vec<V, M> const& other) {
    V const inverse = quotient(V(1), one_plus_sum(other));
    vec<V, N> w;
    w[0] = gradient[0] * inverse;
    MHC_UNROLL for (int i = 1; i < N; ++i) w[i] = gradient[i] * (mine[i - 1] * inverse);
    gradient = filled<N>(V(0));
    return w;
  }
  /// gradient_j −= other_j Σ_i K'_ij w_i.
  MHC_HD static void pass_on(vec<V, N> const& w, vec<V, M> const& other, vec<V, N>& gradient,
                             tile<V, M> const& kernel) {
    V all = w[0];
    MHC_UNROLL for (int i = 1; i < N; ++i) all = all + w[i];
    gradient[0] = gradient[0] - all;
    MHC_UNROLL for (int j = 0; j < M; ++j) {
      V sum = w[0];
      MHC_UNROLL for (int i = 0; i < M; ++i) sum = multiply_add(kernel.at[j][i], w[i + 1], sum);
      gradient[j + 1] = gradient[j + 1] - other[j] * sum;
    }
  }

  gauge_kernel<V, N> const& kernel_;
  tile<V, N> direct_, spread_;
  vec<V, N> row_weights_, f_, g_;
};

/// ∂loss/∂L from ∂loss/∂P.
template <class Scheme, class Kernel, class V, int N>
MHC_HD inline tile<V, N> sinkhorn_vjp(Scheme const& scheme, Kernel const& kernel, sinkhorn_length length,
                                      tile<V, N> const& gradient) {
  auto const start = starting_scalings(scheme, kernel);
  constexpr int M = decltype(start.u)::count;
  int const last = (length.rounds - 1) / sinkhorn_segment;
  vec<V, M> u_checkpoint[sinkhorn_segment], v_checkpoint[sinkhorn_segment];
  sinkhorn_history<V, M> history;
  history.u[0] = start.u;
  history.v[0] = start.v;
  for (int s = 0; s < last; ++s) {
    u_checkpoint[s] = history.u[0];
    v_checkpoint[s] = history.v[0];
    run_segment(scheme, kernel, length, s * sinkhorn_segment, sinkhorn_segment, history);
    history.u[0] = history.u[sinkhorn_segment];
    history.v[0] = history.v[sinkhorn_segment];
  }
  int rounds = length.rounds - last * sinkhorn_segment;
  run_segment(scheme, kernel, length, last * sinkhorn_segment, rounds, history);
  sinkhorn_adjoint<Scheme, V, N> adjoint(scheme, kernel, length, history.u[rounds], history.v[rounds], gradient);
  for (int s = last;; --s) {
    for (int k = rounds - 1; k >= 0; --k) {
      auto const& v = history.v[k + 1];
      if (length.has_rows(s * sinkhorn_segment + k)) adjoint.rows(history.u[k], history.u[k + 1], v);
      adjoint.columns(history.v[k], history.u[k], v);
    }
    if (s == 0) return adjoint.result();
    rounds = sinkhorn_segment;
    history.u[0] = u_checkpoint[s - 1];
    history.v[0] = v_checkpoint[s - 1];
    run_segment(scheme, kernel, length, (s - 1) * sinkhorn_segment, rounds, history);
  }
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

/// The same in the gauge: f and g are those of true scalings, of which u and v are multiples.
template <class V, int N>
MHC_HD inline tile<V, N> sinkhorn_jvp(gauge scheme, gauge_kernel<V, N> const& kernel, sinkhorn_length length,
                                      tile<V, N> const& tangent) {
  auto const d = in_gauge(tangent);
  auto [u, v] = starting_scalings(scheme, kernel);
  auto f = filled<N>(V(0)), g = f;
  MHC_UNROLL for (int i = 1; i < N; ++i) f[i] = d.start[i - 1];
  auto const logs = [&](int i, int j) { return i > 0 && j > 0 ? d.at.at[i - 1][j - 1] : V(0); };
  for (int t = 0; t < length.rounds; ++t) {
    step_columns(scheme, kernel, u, v);
    auto const q = plan_in_gauge(kernel, u, v, {1, true});
    MHC_UNROLL for (int j = 0; j < N; ++j) {
      g[j] = V(0);
      MHC_UNROLL for (int i = 0; i < N; ++i) g[j] = g[j] - q.at[i][j] * (logs(i, j) + f[i]);
    }
    if (!length.has_rows(t)) break;
    step_rows(scheme, kernel, v, u);
    auto const r = plan_in_gauge(kernel, u, v, {1, false});
    MHC_UNROLL for (int i = 0; i < N; ++i) {
      f[i] = V(0);
      MHC_UNROLL for (int j = 0; j < N; ++j) f[i] = f[i] - r.at[i][j] * (logs(i, j) + g[j]);
    }
  }
  auto p = plan_in_gauge(kernel, u, v, length);
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) p.at[i][j] =
      p.at[i][j] * ((logs(i, j) + f[i]) + g[j]);
  return p;
}

}  // namespace mhc::math

MHC_END_LANES
