// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/laplacian.hpp>
#include <mhc/math/newton.hpp>
#include <mhc/math/tile.hpp>

#include <cmath>
#include <limits>

/// @file
/// Curves on the open Birkhoff polytope, for ONE point P and tangent U in registers.
///
/// Positive matrices with given line sums are a dually flat space (S. Amari, H. Nagaoka, Methods of Information
/// Geometry, AMS 2000, chapter 3). The mixture connection is flat in the entries of P: geodesics are straight lines.
/// The exponential connection is flat in log P modulo a⊕b: its geodesics are log P + tU/P, brought back to unit line
/// sums by the entropic projection, which only adds an a⊕b. The Levi-Civita connection of the Fisher metric is the mean
/// of the two.

MHC_BEGIN_LANES

namespace mhc::math {

/// The doubly stochastic diag(a) exp(Z) diag(b), to the rounding of V.
template <class V, int N>
MHC_HD inline tile<V, N> scale_to_polytope(tile<V, N> const& z) {
  constexpr int most_newton_steps = 200;
  return entropic_projection(unit_marginals{}, z, static_cast<scalar_of<V>>(N) * epsilon<V>, most_newton_steps).plan;
}

/// Geodesic of the exponential connection: the entropic projection of log P + tU/P. Inside the polytope for every t.
template <class V, int N>
MHC_HD inline tile<V, N> exponential_geodesic(tile<V, N> const& p, tile<V, N> const& u, V const& t) {
  using std::log;
  tile<V, N> z;
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) z.at[i][j] =
      log(p.at[i][j]) + t * (u.at[i][j] / p.at[i][j]);
  return scale_to_polytope(z);
}

/// R_P(U), the same geodesic at t = 1. A part P∘(a⊕b) of U has no effect.
template <class V, int N>
MHC_HD inline tile<V, N> retract(tile<V, N> const& p, tile<V, N> const& u) {
  return exponential_geodesic(p, u, V(1));
}

/// The tangent U with R_P(U) = Q: Π_P(P∘log(Q/P)).
template <class V, int N>
MHC_HD inline tile<V, N> inverse_retract(tile<V, N> const& p, tile<V, N> const& q) {
  using std::log;
  tile<V, N> x;
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) x.at[i][j] =
      log(q.at[i][j] / p.at[i][j]);
  return implicit_derivative(p, x);
}

/// A retraction that agrees with the Levi-Civita geodesic to second order: the entropic projection of
/// log P + X − X∘X/4, X = U/P.
///
/// In the entries of P, the exponential geodesic has P'' = Π_P(U∘X) at 0 and the straight line P'' = 0; the mean
/// connection asks for half of the former. Moving along U − ¼ U∘X instead of U changes P'' by −½ Π_P(U∘X).
template <class V, int N>
MHC_HD inline tile<V, N> retract_second_order(tile<V, N> const& p, tile<V, N> const& u) {
  using std::log;
  V const quarter(scalar_of<V>(0.25));
  tile<V, N> z;
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) {
    V const x = u.at[i][j] / p.at[i][j];
    z.at[i][j] = log(p.at[i][j]) + (x - quarter * x * x);
  }
  return scale_to_polytope(z);
}

/// Geodesic of the mixture connection: P + tU. Leaves the polytope beyond mixture_reach.
template <class V, int N>
MHC_HD inline tile<V, N> mixture_geodesic(tile<V, N> const& p, tile<V, N> const& u, V const& t) {
  tile<V, N> q;
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) q.at[i][j] =
      p.at[i][j] + t * u.at[i][j];
  return q;
}

/// What mixture_reach says where nothing falls.
template <class V>
inline constexpr scalar_of<V> unlimited = std::numeric_limits<scalar_of<V>>::infinity();

/// The largest t for which no entry of P + tU is negative: min of P_ij/(−U_ij) over negative U_ij; infinite if none is.
template <class V, int N>
MHC_HD inline V mixture_reach(tile<V, N> const& p, tile<V, N> const& u) {
  V reach(unlimited<V>);
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) {
    auto const falls = less<V>(u.at[i][j], V(0));
    V const rate = select<V>(falls, -u.at[i][j], V(1));
    reach = minimum<V>(reach, select<V>(falls, p.at[i][j] / rate, V(unlimited<V>)));
  }
  return reach;
}

}  // namespace mhc::math

MHC_END_LANES
