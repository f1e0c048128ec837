// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/lane.hpp>
#include <mhc/math/tile.hpp>

#include <cmath>

/// @file
/// From logits to the kernel K of Sinkhorn's iteration, and the derivatives of log K.

MHC_BEGIN_LANES

namespace mhc::math {

template <class V, int N>
MHC_HD inline tile<V, N> exponential(tile<V, N> z) {
  using std::exp;
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) z.at[i][j] = exp(z.at[i][j]);
  return z;
}

/// Z_ij − max_i Z_ij. The first step of the iteration divides by column sums, so a factor per column is forgotten
/// exactly, at any number of iterations; a factor per row would change every finite iterate.
template <class V, int N>
MHC_HD inline tile<V, N> below_column_maximum(tile<V, N> z) {
  MHC_UNROLL for (int j = 0; j < N; ++j) {
    V top = z.at[0][j];
    MHC_UNROLL for (int i = 1; i < N; ++i) top = maximum(top, z.at[i][j]);
    MHC_UNROLL for (int i = 0; i < N; ++i) z.at[i][j] = z.at[i][j] - top;
  }
  return z;
}

template <class V, int N>
MHC_HD inline void divide_rows_by_sum(tile<V, N>& a) {
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    V sum = a.at[i][0];
    MHC_UNROLL for (int j = 1; j < N; ++j) sum = sum + a.at[i][j];
    V const inverse = V(1) / sum;
    MHC_UNROLL for (int j = 0; j < N; ++j) a.at[i][j] = a.at[i][j] * inverse;
  }
}

/// Lanes in which some shifted logit is too small for the linear domain.
template <class V, int N>
MHC_HD inline mask_of<V> needs_potentials(tile<V, N> const& shifted) {
  V low = shifted.at[0][0];
  MHC_UNROLL for (int k = 1; k < N * N; ++k) low = minimum(low, shifted[k]);
  return less<V>(low, V(-linear_range<V>));
}

/// softmax over j of Z_ij.
template <class V, int N>
MHC_HD inline tile<V, N> row_softmax(tile<V, N> z) {
  using std::exp;
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    V top = z.at[i][0];
    MHC_UNROLL for (int j = 1; j < N; ++j) top = maximum(top, z.at[i][j]);
    MHC_UNROLL for (int j = 0; j < N; ++j) z.at[i][j] = exp(z.at[i][j] - top);
  }
  divide_rows_by_sum(z);
  return z;
}

/// The derivative of the row softmax S applied to X: S∘(X − (S∘X)11ᵀ). Symmetric, so the vjp and the jvp.
template <class V, int N>
MHC_HD inline tile<V, N> row_softmax_derivative(tile<V, N> const& s, tile<V, N> x) {
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    V mean = s.at[i][0] * x.at[i][0];
    MHC_UNROLL for (int j = 1; j < N; ++j) mean = mean + s.at[i][j] * x.at[i][j];
    MHC_UNROLL for (int j = 0; j < N; ++j) x.at[i][j] = s.at[i][j] * (x.at[i][j] - mean);
  }
  return x;
}

}  // namespace mhc::math

MHC_END_LANES
