// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/balance.hpp>
#include <mhc/math/lane.hpp>
#include <mhc/math/newton.hpp>
#include <mhc/math/tile.hpp>

/// @file
/// The doubly stochastic matrix nearest to X in the Frobenius norm: P = max(0, X + a⊕b).
///
/// Given b, the a_i that makes row i of P sum to 1 is explicit (the projection of a row onto the simplex). What is left
/// is the convex, once differentiable, piecewise quadratic ψ(b) with gradient Pᵀ1 − 1. Its Hessian on the current piece
/// is, with Ω the pattern of P > 0, the Laplacian of the graph on the columns with weights
/// w_jk = Σ_i Ω_ij Ω_ik / |Ω_i|.
///
/// Semismooth Newton: the step d with L d = 1 − Pᵀ1, each piece of the graph by itself, is taken if it halves the error.
/// Otherwise (L + μ)d = 1 − Pᵀ1, μ > 0 proportional to the error, because pieces have to move against each other; b + td
/// is then taken for t = 1 or with ψ'(0)/2 <= ψ'(t) <= 0. Halvings are finitely many; a step of the second kind takes
/// at least ψ'(0)²/(8N dᵀd) off ψ, for ψ'' <= N dᵀd. So the error goes to 0 from anywhere, and in one step at the end,
/// when the piece of ψ is the right one.
///
/// X. Li, D. Sun, K.-C. Toh, arXiv:1702.05934; M. Held, P. Wolfe, H. Crowder, Math. Programming 6 (1974) 62–88.

MHC_BEGIN_LANES

namespace mhc::math {

/// Ω as zeros and ones.
template <class V, int N>
MHC_HD inline tile<V, N> pattern_of(tile<V, N> const& p) {
  tile<V, N> on;
  MHC_UNROLL for (int k = 0; k < N * N; ++k) on[k] = select<V>(less(V(0), p[k]), V(1), V(0));
  return on;
}

/// Ω∘(G − α⊕β) with rows and columns that sum to 0: the derivative of the projection applied to G. Symmetric, so it is
/// the vjp and the jvp. In differences along a row, so that a constant added to a line drops out before it is rounded.
template <class V, int N>
MHC_HD inline tile<V, N> euclidean_derivative(tile<V, N> const& p, tile<V, N> const& g) {
  bipartite<V, N> const s(pattern_of(p));
  auto w = column_graph(s);
  auto rhs = filled<N>(V(0)), mu = rhs;
  MHC_UNROLL for (int j = 0; j < N; ++j) MHC_UNROLL for (int k = j + 1; k < N; ++k) {
    V flow(0);
    MHC_UNROLL for (int i = 0; i < N; ++i) flow =
        flow + s.edge.at[i][j] * s.edge.at[i][k] * s.share[i] * (g.at[i][j] - g.at[i][k]);
    rhs[j] = rhs[j] + flow;
    rhs[k] = rhs[k] - flow;
  }
  auto const beta = solve_pieces(w, mu, rhs);
  tile<V, N> result;
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) {
    V sum(0);
    MHC_UNROLL for (int k = 0; k < N; ++k) if (k != j) sum =
        sum + s.edge.at[i][k] * ((g.at[i][j] - beta[j]) - (g.at[i][k] - beta[k]));
    result.at[i][j] = s.edge.at[i][j] * s.share[i] * sum;
  }
  return result;
}

/// Adds to every row the number that makes its positive part sum to 1: minus the largest of
/// ((sum of the k largest entries) − 1)/k. No subset of a row gives more than the entries that stay positive do, and
/// those are the k largest for some k.
template <class V, int N>
MHC_HD inline void shift_rows_to_simplex(tile<V, N>& y) {
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    vec<V, N> sorted;
    MHC_UNROLL for (int j = 0; j < N; ++j) sorted[j] = y.at[i][j];
    MHC_UNROLL for (int last = N - 1; last > 0; --last) MHC_UNROLL for (int j = 0; j < last; ++j) {
      V const larger = maximum(sorted[j], sorted[j + 1]);
      sorted[j + 1] = minimum(sorted[j], sorted[j + 1]);
      sorted[j] = larger;
    }
    V const top = sorted[0];
    V sum(-1), shift(-1);  // relative to the largest entry, so that the entries that count are small numbers
    MHC_UNROLL for (int k = 1; k < N; ++k) {
      sum = sum + (sorted[k] - top);
      shift = maximum<V>(shift, sum / V(scalar_of<V>(k + 1)));
    }
    MHC_UNROLL for (int j = 0; j < N; ++j) y.at[i][j] = (y.at[i][j] - top) - shift;
  }
}

template <class V, int N>
MHC_HD inline tile<V, N> positive_part(tile<V, N> const& y) {
  tile<V, N> p;
  MHC_UNROLL for (int k = 0; k < N * N; ++k) p[k] = maximum<V>(V(0), y[k]);
  return p;
}

/// 1 − Pᵀ1, the negative gradient of ψ, for P = max(0, Y).
template <class V, int N>
MHC_HD inline vec<V, N> column_deficit(tile<V, N> const& y) {
  auto deficit = filled<N>(V(1));
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) deficit[j] =
      deficit[j] - maximum<V>(V(0), y.at[i][j]);
  return deficit;
}

template <class V, int N>
MHC_HD inline V largest_magnitude(vec<V, N> const& a) {
  V most = magnitude(a[0]);
  MHC_UNROLL for (int k = 1; k < N; ++k) most = maximum<V>(most, magnitude(a[k]));
  return most;
}

/// What is known of the step length: ψ' is `low_slope` < 0 at `low` and `high_slope` > 0 at `high`.
template <class V>
struct step_bracket {
  V low, low_slope, high, high_slope;
};

/// The rows of Y + t·1dᵀ, on the simplex again, and what its columns lack.
template <class V, int N>
struct euclidean_trial {
  tile<V, N> y;
  vec<V, N> deficit;

  MHC_HD euclidean_trial(tile<V, N> const& from, vec<V, N> const& d, V const& length) {
    MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) y.at[i][j] =
        from.at[i][j] + length * d[j];
    shift_rows_to_simplex(y);
    deficit = column_deficit(y);
  }
  /// 1 where the error is less than this.
  MHC_HD V is_within(V const& bound) const { return select<V>(less<V>(largest_magnitude(deficit), bound), V(1), V(0)); }
  /// ψ'(t).
  MHC_HD V slope(vec<V, N> const& d) const {
    V sum(0);
    MHC_UNROLL for (int j = 0; j < N; ++j) sum = sum - deficit[j] * d[j];
    return sum;
  }
};

/// Takes the full step (μ = 0) in the active lanes where its error is within `bound`. Returns the others.
template <class V, int N>
MHC_HD inline V full_step(tile<V, N>& y, vec<V, N> const& deficit, V const& bound, V const& active) {
  auto w = column_graph(bipartite<V, N>(pattern_of(y)));
  auto mu = filled<N>(V(0)), rhs = deficit;
  euclidean_trial<V, N> const trial(y, solve_pieces(w, mu, rhs), V(1));
  V const taken = active * trial.is_within(bound);
  assign_where(less(V(0), taken), y, trial.y);
  return active - taken;
}

/// Takes a damped step in the active lanes; returns those where rounding allows none. The length is looked for
/// where ψ' is a quarter of ψ'(0), by regula falsi with the value at the other end halved (ψ' is piecewise linear).
template <class V, int N>
MHC_HD inline V damped_step(tile<V, N>& y, vec<V, N> const& deficit, V const& bound, V const& mu, V active) {
  auto w = column_graph(bipartite<V, N>(pattern_of(y)));
  auto damping = filled<N>(mu);
  auto rhs = deficit;
  auto const d = solve_pieces(w, damping, rhs);
  V const half(scalar_of<V>(0.5));
  V wanted(0);
  MHC_UNROLL for (int j = 0; j < N; ++j) wanted = wanted - half * half * deficit[j] * d[j];
  V length(1), low(0), low_slope = V(3) * wanted, high(1), high_slope(0);
  for (int k = 0; k < 64 && lane<V>::any(less(V(0), active)); ++k) {
    euclidean_trial<V, N> const trial(y, d, length);
    V const slope = trial.slope(d);
    V const enough = select<V>(less<V>(slope, V(2) * wanted), V(k == 0 ? 1 : 0), V(1));
    V const taken = active * maximum<V>(select<V>(less(V(0), slope), V(0), enough), trial.is_within(bound));
    assign_where(less(V(0), taken), y, trial.y);
    active = active - taken;
    auto const beyond = less(wanted, slope);
    low_slope = select<V>(beyond, half * low_slope, slope - wanted);
    high_slope = select<V>(beyond, slope - wanted, half * high_slope);
    low = select<V>(beyond, low, length);
    high = select<V>(beyond, length, high);
    length = low + (high - low) * (low_slope / (low_slope - high_slope));
  }
  return active;
}

/// The projection of each lane's X. A lane is left alone as soon as it has converged or cannot get further, so that its
/// bits do not depend on its neighbours. Entries of Y far below 0 carry rounding errors in proportion: an error within
/// `resolution` times the farthest of them is convergence too.
template <class V, int N>
MHC_HD inline newton_result<V, N> euclidean_projection(tile<V, N> const& x, scalar_of<V> tolerance,
                                                       scalar_of<V> resolution, int max_iterations) {
  tile<V, N> y = x;
  shift_rows_to_simplex(y);
  V reach(1), poison(0);
  MHC_UNROLL for (int k = 0; k < N * N; ++k) {
    reach = maximum<V>(reach, -y[k]);
    poison = poison + x[k] * V(0);  // a selection drops a NaN, a sum keeps it
  }
  V active(1), steps(0);
  for (int k = 0; k < max_iterations; ++k) {
    auto const deficit = column_deficit(y);
    V const error = largest_magnitude(deficit);
    active = select<V>(less(V(tolerance), error), active, V(0));
    if (!lane<V>::any(less(V(0), active))) break;
    V const bound = maximum<V>(V(scalar_of<V>(0.5)) * error, V(tolerance));
    V const damped = full_step(y, deficit, bound, active);
    V const stuck = damped_step(y, deficit, bound, V(error / reach), damped);
    active = active - stuck;
    steps = steps + active;
  }
  V const error = largest_magnitude(column_deficit(y)) + poison;
  V const finite = select<V>(less(error, V(largest<V>)), V(1), V(0));
  V const converged = select<V>(less(maximum<V>(V(tolerance), V(resolution) * reach), error), V(0), finite);
  auto const p = positive_part(y);
  newton_result<V, N> result{positive_part(balanced(p, pattern_of(p))), steps, converged};
  MHC_UNROLL for (int k = 0; k < N * N; ++k) result.plan[k] = result.plan[k] + poison;
  return result;
}

}  // namespace mhc::math

MHC_END_LANES
