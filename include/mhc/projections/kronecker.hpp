// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/kronecker.hpp>

MHC_BEGIN_LANES

namespace mhc {

/// A Kronecker product of K = log₂ N matrices of order 2: P = F_0 ⊗ F_1 ⊗ … with F_k = [[p_k, 1−p_k], [1−p_k, p_k]] and
/// p_k = σ(z_k), the share that stays. All such P are symmetric and commute. The published model has two logits a_k per
/// factor and their softmax: z_k = a_k0 − a_k1.
///
/// Shapes  logits (B, log₂ N); N a power of two.
/// Result  doubly stochastic to rounding.
/// Range   any logits, ±infinity included: they give permutations.
///
/// @see KromHC, arXiv:2601.21579
struct kronecker {
  template <int N>
  static constexpr int logits = math::binary_digits(N);

  template <int N, class V>
    requires((N & (N - 1)) == 0)
  MHC_HD math::tile<V, N> apply(math::vec<V, logits<N>> const& z) const {
    return math::kronecker<N>(z);
  }

  template <class V, int N>
  MHC_HD math::vec<V, logits<N>> vjp(math::vec<V, logits<N>> const& z, math::tile<V, N> const&,
                                     math::tile<V, N> const& plan_gradient) const {
    return math::kronecker_vjp(z, plan_gradient);
  }

  template <class V, int N>
  MHC_HD math::tile<V, N> jvp(math::vec<V, logits<N>> const& z, math::tile<V, N> const&,
                              math::vec<V, logits<N>> const& tangent) const {
    return math::kronecker_jvp<N>(z, tangent);
  }
  /// Logits that start near the identity, the further the larger `diagonal` is: see mhc::initialise.
  template <int N, class T>
  static void start(T diagonal, T* z) {
    for (int k = 0; k < logits<N>; ++k) z[k] = diagonal;
  }
};

}  // namespace mhc

MHC_END_LANES
