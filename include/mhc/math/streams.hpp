// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/lane.hpp>
#include <mhc/math/tile.hpp>

/// @file
/// The n-stream composition x' = H_res x + H_postᵀ y and u = H_pre x on one channel (or on one SIMD register of
/// neighbouring channels): arXiv:2512.24880, eq. 3. Coefficients, of H, are the same for all channels; streams, of V, may
/// be of more channels at a time.

MHC_BEGIN_LANES

namespace mhc::math {

/// total += a b.
template <class A, class V>
MHC_HD inline void add_product(A const& a, V const& b, V& total) {
  total = multiply_add<V, A>(a, b, total);
}

/// u = Σ_i h_i x_i.
template <class H, class V, int N>
MHC_HD inline V aggregate(vec<H, N> const& h, vec<V, N> const& x) {
  V u = h[0] * x[0];
  MHC_UNROLL for (int i = 1; i < N; ++i) add_product(h[i], x[i], u);
  return u;
}

/// x'_i = Σ_j H_ij x_j + h_i y.
template <class H, class V, int N>
MHC_HD inline vec<V, N> mix(tile<H, N> const& h_res, vec<H, N> const& h_post, vec<V, N> const& x, V const& y) {
  vec<V, N> next;
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    next[i] = h_post[i] * y;
    MHC_UNROLL for (int j = 0; j < N; ++j) add_product(h_res.at[i][j], x[j], next[i]);
  }
  return next;
}

/// ∂loss/∂x_j = Σ_i H_ij g_i.
template <class H, class V, int N>
MHC_HD inline vec<V, N> mix_transposed(tile<H, N> const& h_res, vec<V, N> const& g) {
  vec<V, N> x;
  MHC_UNROLL for (int j = 0; j < N; ++j) {
    x[j] = h_res.at[0][j] * g[0];
    MHC_UNROLL for (int i = 1; i < N; ++i) add_product(h_res.at[i][j], g[i], x[j]);
  }
  return x;
}

/// ∂loss/∂H_ij += g_i x_j.
template <class H, class V, int N>
MHC_HD inline void add_outer(vec<V, N> const& g, vec<V, N> const& x, tile<H, N>& h) {
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) add_product(g[i], x[j], h.at[i][j]);
}

/// h_i += a x_i.
template <class A, class H, class V, int N>
MHC_HD inline void add_scaled(A const& a, vec<V, N> const& x, vec<H, N>& h) {
  MHC_UNROLL for (int i = 0; i < N; ++i) add_product(a, x[i], h[i]);
}

}  // namespace mhc::math

MHC_END_LANES
