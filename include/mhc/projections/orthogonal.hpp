// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/cayley.hpp>

MHC_BEGIN_LANES

namespace mhc {

/// A rotation, by the Cayley transform: P = (I − A)(I + A)⁻¹ with A = Θ − Θᵀ, where the logits are Θ above its diagonal,
/// row by row. PᵀP = I and det P = 1: norms are preserved in both directions, but rows do not sum to 1 and entries may be
/// negative. z = 0 gives I. A rotation with the eigenvalue −1 is a limit only.
///
/// Shapes  logits (B, N(N−1)/2).
/// Result  orthogonal to rounding, for logits of any size.
/// Range   any finite logits.
///
/// @see K. Helfrich, D. Willmott, Q. Ye, ICML 2018, arXiv:1707.09520
struct orthogonal {
  template <int N>
  static constexpr int logits = math::strict_upper(N);

  template <int N, class V>
  MHC_HD math::tile<V, N> apply(math::vec<V, logits<N>> const& z) const {
    return math::orthonormalised(math::cayley<N>(z));
  }

  template <class V, int N>
  MHC_HD math::vec<V, logits<N>> vjp(math::vec<V, logits<N>> const&, math::tile<V, N> const& plan,
                                     math::tile<V, N> const& plan_gradient) const {
    return math::cayley_vjp(plan, plan_gradient);
  }

  template <class V, int N>
  MHC_HD math::tile<V, N> jvp(math::vec<V, logits<N>> const&, math::tile<V, N> const& plan,
                              math::vec<V, logits<N>> const& tangent) const {
    return math::cayley_jvp(plan, tangent);
  }
  /// Logits that start near the identity, the further the larger `diagonal` is: see mhc::initialise.
  /// The identity itself, whatever `diagonal`.
  template <int N, class T>
  static void start(T, T* z) {
    for (int k = 0; k < logits<N>; ++k) z[k] = T(0);
  }
};

}  // namespace mhc

MHC_END_LANES
