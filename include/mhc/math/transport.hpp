// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/softmax.hpp>
#include <mhc/math/tile.hpp>

/// @file
/// A doubly stochastic matrix filled entry by entry. With `row` what row i still lacks and column[j] what column j
/// still lacks, an entry may be anything between
///   low = max(0, row − Σ_{k>j} column[k])   (what the columns to the right cannot take)   and   high = min(row, column[j]);
/// it becomes low + (high − low) σ(t). The last column and the last row take what is left. (The third bound of general
/// transportation polytopes, column[j] − Σ of the rows below, is never positive where every row sums to 1.)
///
/// Entries are rounded to multiples of eps. Sums and differences of such numbers within [0, 2] are exact, hence every
/// row and every column sums to 1 without any error, low ≤ high always, and what was lacking before an entry can be
/// had from the finished matrix: the derivatives read it there.
///
/// S. Linderman et al., AISTATS 2018, arXiv:1710.09508 (stick breaking); TBP-mHC, arXiv:2605.21724.

MHC_BEGIN_LANES

namespace mhc::math {

/// x in [0, 1] as a multiple of eps.
template <class V>
MHC_HD inline V rounded_to_eps(V const& x) {
  return (x + V(1)) - V(1);
}

/// Between which bounds an entry lies, and what they depend on.
template <class V>
struct entry_bounds {
  V low, width;
  mask_of<V> low_is_positive, column_is_smaller;
};

template <class V>
MHC_HD inline entry_bounds<V> bounds_of_entry(V const& row, V const& column, V const& room) {
  V const rest = row - room;
  auto const positive = less(V(0), rest);
  auto const smaller = less(column, row);
  V const low = select<V>(positive, rest, V(0));
  return {low, select<V>(smaller, column, row) - low, positive, smaller};
}

/// Σ_{k>j} column[k].
template <class V, int N>
MHC_HD inline vec<V, N> sums_to_the_right(vec<V, N> const& column) {
  vec<V, N> room;
  room[N - 1] = V(0);
  MHC_UNROLL for (int j = N - 2; j >= 0; --j) room[j] = room[j + 1] + column[j + 1];
  return room;
}

template <int N, class V>
MHC_HD inline tile<V, N> transport(vec<V, (N - 1) * (N - 1)> const& z) {
  tile<V, N> x;
  auto column = filled<N>(V(1));
  V poison(0);  // a selection drops a NaN, a sum keeps it
  MHC_UNROLL for (int i = 0; i < N - 1; ++i) {
    V row(1);
    auto const room = sums_to_the_right(column);
    MHC_UNROLL for (int j = 0; j < N - 1; ++j) {
      V const part = share(z[i * (N - 1) + j]).p;
      auto const b = bounds_of_entry(row, column[j], room[j]);
      x.at[i][j] = rounded_to_eps<V>(b.low + b.width * part);
      row = row - x.at[i][j];
      column[j] = column[j] - x.at[i][j];
      poison = poison + part * V(0);
    }
    x.at[i][N - 1] = row;
    column[N - 1] = column[N - 1] - row;
  }
  MHC_UNROLL for (int j = 0; j < N; ++j) x.at[N - 1][j] = column[j];
  MHC_UNROLL for (int k = 0; k < N * N; ++k) x[k] = x[k] + poison;
  return x;
}

/// Backwards through `transport`: row and column take their entries back, the two gradients are those of what was
/// lacking.
template <class V, int N>
MHC_HD inline vec<V, (N - 1) * (N - 1)> transport_vjp(vec<V, (N - 1) * (N - 1)> const& z, tile<V, N> const& x,
                                                      tile<V, N> const& gradient) {
  vec<V, (N - 1) * (N - 1)> result;
  vec<V, N> column, column_gradient;
  MHC_UNROLL for (int j = 0; j < N; ++j) {
    column[j] = x.at[N - 1][j];
    column_gradient[j] = gradient.at[N - 1][j];
  }
  MHC_UNROLL for (int i = N - 2; i >= 0; --i) {
    V row = x.at[i][N - 1], row_gradient = gradient.at[i][N - 1] - column_gradient[N - 1];
    column[N - 1] = column[N - 1] + row;
    V room = column[N - 1];
    MHC_UNROLL for (int j = N - 2; j >= 0; --j) {
      V const g = gradient.at[i][j] - row_gradient - column_gradient[j];
      row = row + x.at[i][j];
      column[j] = column[j] + x.at[i][j];
      auto const s = share(z[i * (N - 1) + j]);
      auto const b = bounds_of_entry(row, column[j], room);
      result[i * (N - 1) + j] = g * b.width * s.derivative();
      V const low = select<V>(b.low_is_positive, g * s.q, V(0)), high = g * s.p;
      row_gradient = row_gradient + low + select<V>(b.column_is_smaller, V(0), high);
      column_gradient[j] = column_gradient[j] + select<V>(b.column_is_smaller, high, V(0));
      MHC_UNROLL for (int k = j + 1; k < N; ++k) column_gradient[k] = column_gradient[k] - low;
      room = room + column[j];
    }
  }
  return result;
}

template <class V, int N>
MHC_HD inline tile<V, N> transport_jvp(vec<V, (N - 1) * (N - 1)> const& z, tile<V, N> const& x,
                                       vec<V, (N - 1) * (N - 1)> const& tangent) {
  tile<V, N> d;
  auto column = filled<N>(V(1)), column_tangent = filled<N>(V(0));
  MHC_UNROLL for (int i = 0; i < N - 1; ++i) {
    V row(1), row_tangent(0);
    auto const room = sums_to_the_right(column), room_tangent = sums_to_the_right(column_tangent);
    MHC_UNROLL for (int j = 0; j < N - 1; ++j) {
      auto const s = share(z[i * (N - 1) + j]);
      auto const b = bounds_of_entry(row, column[j], room[j]);
      V const low = select<V>(b.low_is_positive, row_tangent - room_tangent[j], V(0));
      V const high = select<V>(b.column_is_smaller, column_tangent[j], row_tangent);
      d.at[i][j] = low * s.q + high * s.p + b.width * s.derivative() * tangent[i * (N - 1) + j];
      row = row - x.at[i][j];
      row_tangent = row_tangent - d.at[i][j];
      column[j] = column[j] - x.at[i][j];
      column_tangent[j] = column_tangent[j] - d.at[i][j];
    }
    d.at[i][N - 1] = row_tangent;
    column[N - 1] = column[N - 1] - row;
    column_tangent[N - 1] = column_tangent[N - 1] - row_tangent;
  }
  MHC_UNROLL for (int j = 0; j < N; ++j) d.at[N - 1][j] = column_tangent[j];
  return d;
}

}  // namespace mhc::math

MHC_END_LANES
