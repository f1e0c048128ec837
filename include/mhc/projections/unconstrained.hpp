// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/projections/matrix_logits.hpp>

MHC_BEGIN_LANES

namespace mhc {

/// No constraint: P = Z, as in hyper-connections. Nothing bounds the gain of a product over layers.
///
/// Shapes  logits (B, N·N).
///
/// @see D. Zhu et al., arXiv:2409.19606
struct unconstrained {
  template <int N>
  static constexpr int logits = N * N;

  template <int N, class V>
  MHC_HD math::tile<V, N> apply(math::vec<V, N * N> const& z) const {
    return detail::as_matrix<N>(z);
  }

  template <class V, int N>
  MHC_HD math::vec<V, N * N> vjp(math::vec<V, N * N> const&, math::tile<V, N> const&,
                                 math::tile<V, N> const& plan_gradient) const {
    return detail::as_logits(plan_gradient);
  }

  template <class V, int N>
  MHC_HD math::tile<V, N> jvp(math::vec<V, N * N> const&, math::tile<V, N> const&,
                              math::vec<V, N * N> const& tangent) const {
    return detail::as_matrix<N>(tangent);
  }
  /// Logits that start near the identity, the further the larger `diagonal` is: see mhc::initialise.
  /// The identity itself, whatever `diagonal`.
  template <int N, class T>
  static void start(T, T* z) {
    for (int k = 0; k < N * N; ++k) z[k] = T(k % (N + 1) == 0 ? 1 : 0);
  }
};

}  // namespace mhc

MHC_END_LANES
