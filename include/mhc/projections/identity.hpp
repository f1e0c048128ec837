// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/tile.hpp>

MHC_BEGIN_LANES

namespace mhc {

/// No mixing at all: P = I, from no logits. Every stream carries on by itself, as n plain residual connections that
/// share their layers.
///
/// Shapes  logits (B, 0): may be null.
struct identity {
  template <int N>
  static constexpr int logits = 0;

  template <int N, class V>
  MHC_HD math::tile<V, N> apply(math::vec<V, 0> const&) const {
    math::tile<V, N> p;
    MHC_UNROLL for (int k = 0; k < N * N; ++k) p[k] = V(k % (N + 1) == 0 ? 1 : 0);
    return p;
  }

  template <class V, int N>
  MHC_HD math::vec<V, 0> vjp(math::vec<V, 0> const&, math::tile<V, N> const&, math::tile<V, N> const&) const {
    return {};
  }

  template <class V, int N>
  MHC_HD math::tile<V, N> jvp(math::vec<V, 0> const&, math::tile<V, N> const&, math::vec<V, 0> const&) const {
    math::tile<V, N> d;
    MHC_UNROLL for (int k = 0; k < N * N; ++k) d[k] = V(0);
    return d;
  }
  /// Logits that start near the identity, the further the larger `diagonal` is: see mhc::initialise.
  template <int N, class T>
  static void start(T, T*) {}
};

}  // namespace mhc

MHC_END_LANES
