// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/transport.hpp>

#include <cmath>

MHC_BEGIN_LANES

namespace mhc {

/// The transportation polytope with unit marginals, filled row by row: P_ij = L + (U−L) σ(t_ij) for i, j < N−1, where L and
/// U are the least and the most that leave every row and column a way to sum to 1; the last row and column take the
/// rest. As many logits as the Birkhoff polytope has dimensions; every P inside it has exactly one t. L and U are
/// maxima and minima: where they tie, the derivative is one-sided.
///
/// Shapes  logits (B, (N−1)²), t row by row.
/// Result  rows and columns sum to 1 without any rounding error; entries are multiples of eps.
/// Range   any logits, ±infinity included: they give vertices.
///
/// @see TBP-mHC, arXiv:2605.21724; S. Linderman et al., arXiv:1710.09508
struct transport {
  template <int N>
  static constexpr int logits = (N - 1) * (N - 1);

  template <int N, class V>
  MHC_HD math::tile<V, N> apply(math::vec<V, logits<N>> const& z) const {
    return math::transport<N>(z);
  }

  template <class V, int N>
  MHC_HD math::vec<V, logits<N>> vjp(math::vec<V, logits<N>> const& z, math::tile<V, N> const& plan,
                                     math::tile<V, N> const& plan_gradient) const {
    return math::transport_vjp(z, plan, plan_gradient);
  }

  template <class V, int N>
  MHC_HD math::tile<V, N> jvp(math::vec<V, logits<N>> const& z, math::tile<V, N> const& plan,
                              math::vec<V, logits<N>> const& tangent) const {
    return math::transport_jvp(z, plan, tangent);
  }
  /// Logits that start near the identity, the further the larger `diagonal` is: see mhc::initialise.
  template <int N, class T>
  static void start(T diagonal, T* z) {
    for (int i = 0; i < N - 1; ++i)
      for (int j = 0; j < N - 1; ++j) {
        int const shares = N - 1 - (i < j ? j : i);  // with how many entries it shares what the diagonal leaves
        z[i * (N - 1) + j] = i == j ? diagonal : -std::log(T(shares));
      }
  }
};

}  // namespace mhc

MHC_END_LANES
