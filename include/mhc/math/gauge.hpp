// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/elementary.hpp>
#include <mhc/math/lane.hpp>
#include <mhc/math/sinkhorn.hpp>
#include <mhc/math/tile.hpp>

#include <cmath>
#include <limits>

/// @file
/// Sinkhorn–Knopp with lines divided by their sums, in a gauge: the iteration forgets diagonal scalings of its kernel,
/// all but the first. Divided by its first row and column,
///   K'_ij = exp(Z_ij + Z_00 − Z_i0 − Z_0j),
/// it has (N−1)² free entries, and ones in the first line of either side. Nor does the iteration need more of a scaling
/// than its ratios: with u_0 = v_0 = 1, a step is u_i = s_0 / s_i, s = K' v. Of the scaling that it starts from, the
/// gauge makes u_i = exp(Z_i0 − Z_00).
///
/// With m the largest |log| of all these numbers, u and v stay between exp(−m) and exp(m), and sums between 1 and
/// N exp(2m).

MHC_BEGIN_LANES

namespace mhc::math {

/// K' without its ones, and the scaling to start from.
template <class V, int N>
struct gauge_kernel {
  tile<V, N - 1> at;
  vec<V, N - 1> start;
};

/// The scheme of this kernel; see `scalings`.
struct gauge {
  static constexpr bool forgets = true;
};

/// log K' and the log of the start, in differences along columns first: exact for a shift of a column.
template <class V, int N>
MHC_HD inline gauge_kernel<V, N> in_gauge(tile<V, N> const& z) {
  gauge_kernel<V, N> k;
  MHC_UNROLL for (int i = 1; i < N; ++i) {
    k.start[i - 1] = z.at[i][0] - z.at[0][0];
    MHC_UNROLL for (int j = 1; j < N; ++j) k.at.at[i - 1][j - 1] = (z.at[i][j] - z.at[0][j]) - k.start[i - 1];
  }
  return k;
}

/// Whether the ratios of a step share one division, which in double takes as long as a dozen products. (In float, where it
/// takes as long as the chain of products that this makes, nothing is gained.)
template <class V, int N>
inline constexpr bool shares_division = N == 4 && std::numeric_limits<scalar_of<V>>::digits > 24;

/// How large m may be: for products of two numbers, or of three sums.
template <class V, int N>
inline constexpr scalar_of<V> gauge_range = shares_division<V, N> ? scalar_of<V>(115) : linear_range<V>;

/// Lanes in which some log is beyond the range.
template <class V, int N>
MHC_HD inline mask_of<V> exceeds_gauge(gauge_kernel<V, N> const& logs, scalar_of<V> range = gauge_range<V, N>) {
  V low(0), high(0);
  MHC_UNROLL for (int k = 0; k < (N - 1) * (N - 1); ++k) {
    low = minimum(low, logs.at[k]);
    high = maximum(high, logs.at[k]);
  }
  MHC_UNROLL for (int k = 0; k < N - 1; ++k) {
    low = minimum(low, logs.start[k]);
    high = maximum(high, logs.start[k]);
  }
  return less<V>(V(range), maximum<V>(high, -low));
}

/// Does the gauge hold all lanes?
template <class V, int N>
MHC_HD inline bool is_narrow(tile<V, N> const& z) {
  return !lane<V>::any(exceeds_gauge(in_gauge(z)));
}

/// What rounding has taken from a difference (D. Knuth, The Art of Computer Programming 2, section 4.2.2, theorem B).
template <class V>
MHC_HD inline V lost_in_difference(V const& a, V const& b, V const& difference) {
  V const b_seen = a - difference;
  return (a - (difference + b_seen)) - (b - b_seen);
}

/// exp(a − b), of the difference before it was rounded.
template <class V>
MHC_HD inline V exp_of_difference(V const& a, V const& b) {
  V const difference = a - b, e = exp_of_moderate(difference);
  return multiply_add<V>(e, lost_in_difference(a, b, difference), e);
}

/// K' and the start, where the gauge holds them: K'_ij = exp(Z_ij − Z_0j) / exp(Z_i0 − Z_00).
template <class V, int N>
MHC_HD inline gauge_kernel<V, N> kernel_in_gauge(tile<V, N> const& z) {
  gauge_kernel<V, N> k;
  MHC_UNROLL for (int i = 1; i < N; ++i) {
    k.start[i - 1] = exp_of_difference(z.at[i][0], z.at[0][0]);
    V const inverse = quotient(V(1), k.start[i - 1]);
    MHC_UNROLL for (int j = 1; j < N; ++j) k.at.at[i - 1][j - 1] = exp_of_difference(z.at[i][j], z.at[0][j]) * inverse;
  }
  return k;
}

/// 1 + Σ_k a_k, in pairs.
template <class V, int M>
MHC_HD inline V one_plus_sum(vec<V, M> const& a) {
  V even(1), odd = a[0];
  MHC_UNROLL for (int k = 1; k < M; ++k)(k % 2 == 0 ? odd : even) = (k % 2 == 0 ? odd : even) + a[k];
  return even + odd;
}

/// 1 + Σ_l line_l other_l.
template <class V, int M>
MHC_HD inline V one_plus_sum(vec<V, M> const& line, vec<V, M> const& other) {
  V total(1);
  MHC_UNROLL for (int l = 0; l < M; ++l) total = multiply_add(line[l], other[l], total);
  return total;
}

/// to_k = first / sum(k) for every line but the first.
template <class V, int M, class Sum>
MHC_HD inline void divide_by_sums(V const& first, Sum const& sum, vec<V, M>& to) {
  if constexpr (shares_division<V, M + 1>) {
    V const a = sum(0), b = sum(1), c = sum(2), ab = a * b, by_all = quotient(first, ab * c), by_ab = by_all * c;
    to[0] = by_ab * b;
    to[1] = by_ab * a;
    to[2] = by_all * ab;
  } else {
    MHC_UNROLL for (int k = 0; k < M; ++k) to[k] = quotient(first, sum(k));
  }
}

template <class V, int N, int M>
MHC_HD inline void step_columns(gauge, gauge_kernel<V, N> const& kernel, vec<V, M> const& u, vec<V, M>& v) {
  auto const sum = [&](int j) MHC_ALWAYS_INLINE { return one_plus_sum(column_of(kernel.at, j), u); };
  divide_by_sums(one_plus_sum(u), sum, v);
}

template <class V, int N, int M>
MHC_HD inline void step_rows(gauge, gauge_kernel<V, N> const& kernel, vec<V, M> const& v, vec<V, M>& u) {
  auto const sum = [&](int i) MHC_ALWAYS_INLINE { return one_plus_sum(row_of(kernel.at, i), v); };
  divide_by_sums(one_plus_sum(v), sum, u);
}

/// The plan that the last step makes of these scalings: its lines sum to 1.
template <class V, int N, int M>
MHC_HD inline tile<V, N> plan_in_gauge(gauge_kernel<V, N> const& kernel, vec<V, M> const& u, vec<V, M> const& v,
                                       sinkhorn_length length) {
  tile<V, N> p;
  V const first = quotient(V(1), one_plus_sum(length.ends_after_columns ? u : v));
  p.at[0][0] = first;
  MHC_UNROLL for (int j = 1; j < N; ++j) p.at[0][j] = first * v[j - 1];
  MHC_UNROLL for (int i = 1; i < N; ++i) {
    p.at[i][0] = first * u[i - 1];
    MHC_UNROLL for (int j = 1; j < N; ++j) p.at[i][j] = p.at[i][0] * (kernel.at.at[i - 1][j - 1] * v[j - 1]);
  }
  return p;
}

/// u and v before the first step.
template <class V, int N>
MHC_HD inline sinkhorn_scalings<V, N - 1> starting_scalings(gauge, gauge_kernel<V, N> const& kernel) {
  return {kernel.start, kernel.start};
}

template <class V, int N>
MHC_HD inline tile<V, N> sinkhorn(gauge scheme, gauge_kernel<V, N> const& kernel, sinkhorn_length length) {
  auto [u, v] = starting_scalings(scheme, kernel);
  for (int t = 0; t < length.rounds; ++t) {
    step_columns(scheme, kernel, u, v);
    if (length.has_rows(t)) step_rows(scheme, kernel, v, u);
  }
  return plan_in_gauge(kernel, u, v, length);
}

}  // namespace mhc::math

MHC_END_LANES
