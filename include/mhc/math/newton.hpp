// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/assignment.hpp>
#include <mhc/math/gauge.hpp>
#include <mhc/math/laplacian.hpp>
#include <mhc/math/marginals.hpp>
#include <mhc/math/softmax.hpp>
#include <mhc/math/tile.hpp>

#include <cmath>

/// @file
/// The entropic projection, exactly: P = diag(u) exp(Z) diag(v) with given marginals r, c (all ones for the Birkhoff
/// polytope), by Newton's method on the column potentials b of
///   φ(b) = Σ_i r_i log Σ_j exp(Z_ij + b_j) − Σ_j c_j b_j.
/// With T = diag(r) times the row softmax of Z + b, the gradient is Tᵀ1 − c and the Hessian is the Laplacian of T with
/// weights Σ_i T_ij T_ik / r_i. Along the Newton direction d, |φ'''| ≤ ρ φ'' with ρ = max d − min d, so the step
/// log(1+ρ)/ρ · d decreases φ for certain: no line search, no branch, global convergence, and quadratic at the end (ρ²
/// bounds the error that a step leaves).
///
/// T itself is the state. A step multiplies its columns by exp(step) and scales its rows to r, so rounding does not
/// grow with the size of b. What has underflowed does not come back that way: where logits are spread so wide
/// (`linear_range`), T is evaluated again from Z + b each time that steps have moved b far enough for it to matter.

MHC_BEGIN_LANES

namespace mhc::math {

/// Every row of a scaled so that row i sums to r_i.
template <class Marginals, class V, int N>
MHC_HD inline void scale_rows_to(Marginals const& marginals, tile<V, N>& a) {
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    V sum = a.at[i][0];
    MHC_UNROLL for (int j = 1; j < N; ++j) sum = sum + a.at[i][j];
    V const factor = quotient(marginals.template row<V>(i), sum);
    MHC_UNROLL for (int j = 0; j < N; ++j) a.at[i][j] = a.at[i][j] * factor;
  }
}

/// diag(r) softmax_j(Z_ij).
template <class Marginals, class V, int N>
MHC_HD inline tile<V, N> rows_from_logits(Marginals const& marginals, tile<V, N> z) {
  using std::exp;
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    V top = z.at[i][0];
    MHC_UNROLL for (int j = 1; j < N; ++j) top = maximum(top, z.at[i][j]);
    MHC_UNROLL for (int j = 0; j < N; ++j) z.at[i][j] = exp(z.at[i][j] - top);
  }
  scale_rows_to(marginals, z);
  return z;
}

/// The same of Z_ij + b_j: of the exact sums, because large potentials would take digits from every entry when these are
/// rounded.
template <class Marginals, class V, int N>
MHC_HD inline tile<V, N> rows_from_potentials(Marginals const& marginals, tile<V, N> z, vec<V, N> const& b) {
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    vec<V, N> lost;
    MHC_UNROLL for (int j = 0; j < N; ++j) {
      V const sum = z.at[i][j] + b[j], rest = lost_in_difference<V>(z.at[i][j], -b[j], sum);
      lost[j] = select<V>(less<V>(magnitude(rest), V(largest<V>)), rest, V(0));  // NaN where the sum is infinite
      z.at[i][j] = sum;
    }
    V top = z.at[i][0];
    MHC_UNROLL for (int j = 1; j < N; ++j) top = maximum(top, z.at[i][j]);
    MHC_UNROLL for (int j = 0; j < N; ++j) z.at[i][j] = (z.at[i][j] - top) + lost[j];
  }
  return rows_from_logits(marginals, z);
}

/// Lanes in which a row of logits is spread wider than the linear domain holds.
template <class V, int N>
MHC_HD inline mask_of<V> rows_spread_wide(tile<V, N> const& z) {
  V spread(0);
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    V low = z.at[i][0], high = z.at[i][0];
    MHC_UNROLL for (int j = 1; j < N; ++j) {
      low = minimum(low, z.at[i][j]);
      high = maximum(high, z.at[i][j]);
    }
    spread = maximum<V>(spread, high - low);
  }
  return less<V>(V(linear_range<V>), spread);
}

/// The damped Newton step from T, its oscillation ρ before damping, and the largest column error of T.
template <class V, int N>
struct newton_step {
  vec<V, N> step;
  V oscillation;
  V error;
};

template <class Marginals, class V, int N>
MHC_HD inline newton_step<V, N> newton_step_at(Marginals const& marginals, tile<V, N> const& t) {
  using std::log;
  newton_step<V, N> s;
  vec<V, N> rhs;
  s.error = V(0);
  V poison(0);  // maximum() drops a NaN, a sum keeps it
  MHC_UNROLL for (int j = 0; j < N; ++j) {
    rhs[j] = marginals.template column<V>(j);
    MHC_UNROLL for (int i = 0; i < N; ++i) rhs[j] = rhs[j] - t.at[i][j];
    s.error = maximum(s.error, magnitude(rhs[j]));
    poison = poison + rhs[j] * V(0);
  }
  s.error = s.error + poison;
  tile<V, N> w;
  MHC_UNROLL for (int j = 0; j < N; ++j) MHC_UNROLL for (int k = j + 1; k < N; ++k) {
    w.at[j][k] = V(0);
    MHC_UNROLL for (int i = 0; i < N; ++i) w.at[j][k] =
        w.at[j][k] + t.at[i][j] * t.at[i][k] / marginals.template row<V>(i);
  }
  s.step = solve_laplacian(w, rhs, marginals.template largest<V>() * epsilon<V>);
  V high = s.step[0], low = s.step[0];
  MHC_UNROLL for (int j = 1; j < N; ++j) {
    high = maximum(high, s.step[j]);
    low = minimum(low, s.step[j]);
  }
  s.oscillation = high - low;
  V const rho = maximum<V>(s.oscillation, V(scalar_of<V>(1e-3)));  // below, log(1+ρ)/ρ is a cancellation and near 1
  V const damped = quotient<V>(log(V(1) + rho), rho);
  V const factor = select<V>(less<V>(s.oscillation, rho), V(1), damped);
  MHC_UNROLL for (int j = 0; j < N; ++j) s.step[j] = factor * (s.step[j] - high);  // ≤ 0: nothing overflows
  return s;
}

/// A row that is NaN makes the whole matrix NaN: Newton's comparisons would let the other rows pass as converged.
template <class V, int N>
MHC_HD inline void spread_nan(tile<V, N>& t) {
  V poison(0);
  MHC_UNROLL for (int i = 0; i < N; ++i) poison = poison + t.at[i][0] * V(0);
  MHC_UNROLL for (int k = 0; k < N * N; ++k) t[k] = t[k] + poison;
}

/// Longest oscillation of a step that is taken although the columns are within the tolerance already.
template <class V>
inline constexpr scalar_of<V> longest_last_step = scalar_of<V>(0.1);

/// A projected matrix, the number of Newton steps it took, and whether it converged (1) or ran out of steps (0).
template <class V, int N>
struct newton_result {
  tile<V, N> plan;
  V steps;
  V converged;
};

/// How far b may move before T is evaluated again. Columns are multiplied by at most 1, and rows divided by at least the
/// least factor of a column, so an entry that had underflowed has then grown by at most exp(drift): from 1e-38 to 1e-12 in
/// float, from 1e-308 to 1e-86 in double.
template <class V>
inline constexpr scalar_of<V> longest_drift = linear_range<V> * scalar_of<V>(1.5);

/// T to start from, and in the lanes in which something of it may have underflowed the potentials b that it is of.
template <class V, int N>
struct newton_start_result {
  tile<V, N> t;
  vec<V, N> b;
  mask_of<V> wide;
};

template <class Marginals, class V, int N>
MHC_HD inline newton_start_result<V, N> newton_start(Marginals const& marginals, tile<V, N> const& z) {
  return {rows_from_logits(marginals, z), filled<N>(V(0)), rows_spread_wide(z)};
}

/// As many as pay for themselves where logits are spread by 1 to 5.
inline constexpr int rounds_before_newton = 8;

/// Where logits are further apart in the gauge, these rounds gain less than other potentials to begin with.
template <class V, int N>
inline constexpr scalar_of<V> rounds_range = N == 4 ? scalar_of<V>(40) : gauge_range<V, N>;

/// For unit marginals a few of Sinkhorn's rounds, which cost less than the steps of Newton's method that they save; beyond
/// their range with N = 4 the potentials of logits that are infinitely far apart, from which the fewer steps are left the
/// further these are.
template <class V, int N>
  requires(N > 1)
MHC_HD inline newton_start_result<V, N> newton_start(unit_marginals const& marginals, tile<V, N> const& z) {
  auto const beyond = exceeds_gauge(in_gauge(z), rounds_range<V, N>);
  newton_start_result<V, N> start{sinkhorn(gauge{}, kernel_in_gauge(z), {rounds_before_newton}), filled<N>(V(0)),
                                  beyond};
  auto const at_once = [&] {
    if constexpr (N == 4) {
      auto const b = potentials_of_assignment(z);
      V size(0);
      MHC_UNROLL for (int j = 0; j < N; ++j) size = size + magnitude(b[j]);
      auto const known = less<V>(size, V(largest<V>));
      MHC_UNROLL for (int j = 0; j < N; ++j) start.b[j] = select<V>(known, b[j], V(0));
      assign_where(beyond, start.t, rows_from_potentials(marginals, z, start.b));
    } else {
      assign_where(beyond, start.t, rows_from_logits(marginals, z));
    }
  };
  if (lane<V>::any(beyond)) rarely<V>(at_once);
  return start;
}

/// Each lane is left alone as soon as it has converged, so that its bits do not depend on its neighbours: after the step
/// with which the column error was found within the tolerance, or after one so short that it leaves no more than that.
/// The first of these is not taken where it is long: it then moves columns that are hardly coupled, by rounding errors.
template <class Marginals, class V, int N>
MHC_HD inline newton_result<V, N> entropic_projection(Marginals const& marginals, tile<V, N> const& z,
                                                      scalar_of<V> tolerance, int max_iterations) {
  using std::exp;
  auto [t, b, wide] = newton_start(marginals, z);
  spread_nan(t);
  V active(1), steps(0), valid(1), drift(0);
  for (int k = 0; k < max_iterations && lane<V>::any(less<V>(V(0), active)); ++k) {
    auto const s = newton_step_at(marginals, t);
    valid = select<V>(less<V>(s.error, V(largest<V>)), valid, V(0));  // a NaN is not less: nothing to iterate on
    active = active * valid;
    V const reached = select<V>(less<V>(s.error, V(tolerance)), active, V(0));
    V const moves = select<V>(less<V>(V(longest_last_step<V>), reached * s.oscillation), V(0), active);
    V const left = V(marginals.template largest<V>()) * s.oscillation * s.oscillation;
    active = select<V>(less<V>(left, V(tolerance)), V(0), active - reached);
    steps = steps + moves;
    tile<V, N> next;
    V moved(0);
    MHC_UNROLL for (int j = 0; j < N; ++j) {
      b[j] = b[j] + s.step[j];
      moved = maximum<V>(moved, -s.step[j]);
      V const factor = exp(s.step[j]);
      MHC_UNROLL for (int i = 0; i < N; ++i) next.at[i][j] = t.at[i][j] * factor;
    }
    scale_rows_to(marginals, next);
    drift = drift + select<V>(less<V>(V(0), moves), moved, V(0));
    auto const again = less<V>(V(longest_drift<V>), select<V>(wide, drift, V(0)));
    if (lane<V>::any(again)) {
      assign_where(again, next, rows_from_potentials(marginals, z, b));
      drift = select<V>(again, V(0), drift);
    }
    assign_where(less<V>(V(0), moves), t, next);
  }
  return {t, steps, (V(1) - active) * valid};
}

/// The same of order 2 with unit marginals: both scalings cancel in exp(z_00 + z_11 − z_01 − z_10) = (p / (1 − p))².
template <class V>
MHC_HD inline newton_result<V, 2> entropic_projection(tile<V, 2> const& z) {
  V const half(scalar_of<V>(0.5));
  V const odds = (z.at[0][0] - z.at[0][1]) + (z.at[1][1] - z.at[1][0]);
  auto const s = share<V>(half * odds);
  V const valid = select<V>(less<V>(magnitude(s.p), V(2)), V(1), V(0));  // a NaN is not less
  return {{{{s.p, s.q}, {s.q, s.p}}}, V(0), valid};
}

}  // namespace mhc::math

MHC_END_LANES
