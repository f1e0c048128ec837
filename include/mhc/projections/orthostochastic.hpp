// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/balance.hpp>
#include <mhc/math/cayley.hpp>

#include <cmath>

MHC_BEGIN_LANES

namespace mhc {

/// The squares of a rotation Q of order NS, added up over blocks: P_ij = (1/S) Σ_{a,b<S} Q²_{iS+a, jS+b}, with Q the Cayley
/// transform of A = Θ − Θᵀ and the logits Θ above its diagonal, row by row. Rows and columns of Q are unit vectors,
/// hence P is doubly stochastic. S = 1 gives the orthostochastic matrices, which for N >= 3 are not all of the Birkhoff
/// polytope; S = 2 comes much closer.
///
/// Shapes  logits (B, NS(NS−1)/2); NS <= 16.
/// Result  doubly stochastic to rounding, for logits of any size.
/// Range   any finite logits. z = 0 gives I, where every derivative is 0: start beside it.
///
/// @tparam S  rows and columns of a block
/// @see go-mHC, arXiv:2604.02309
template <int S = 2>
  requires(S >= 1)
struct orthostochastic {
  template <int N>
  static constexpr int logits = math::strict_upper(N * S);

  template <int N, class V>
    requires(N* S <= 16)
  MHC_HD math::tile<V, N> apply(math::vec<V, logits<N>> const& z) const {
    auto const q = math::cayley<N * S>(z);
    return math::balanced(sums_over_blocks<N>(q, q));  // the rows and columns of Q are unit vectors to a few eps
  }

  template <class V, int N>
  MHC_HD math::vec<V, logits<N>> vjp(math::vec<V, logits<N>> const& z, math::tile<V, N> const&,
                                     math::tile<V, N> const& plan_gradient) const {
    auto const q = math::cayley<N * S>(z);
    math::tile<V, N * S> g;
    for (int i = 0; i < N * S; ++i)
      MHC_UNROLL for (int j = 0; j < N * S; ++j) g.at[i][j] =
          V(math::scalar_of<V>(2) / S) * plan_gradient.at[i / S][j / S] * q.at[i][j];
    return math::cayley_vjp(q, g);
  }

  template <class V, int N>
  MHC_HD math::tile<V, N> jvp(math::vec<V, logits<N>> const& z, math::tile<V, N> const&,
                              math::vec<V, logits<N>> const& tangent) const {
    auto const q = math::cayley<N * S>(z);
    auto d = sums_over_blocks<N>(q, math::cayley_jvp(q, tangent));
    MHC_UNROLL for (int k = 0; k < N * N; ++k) d[k] = d[k] + d[k];
    return d;
  }

  /// Logits that start near the identity, the further the larger `diagonal` is: see mhc::initialise.
  /// Beside the identity, where every derivative is 0.
  template <int N, class T>
  static void start(T diagonal, T* z) {
    T const angle = std::sqrt(std::exp(-diagonal) / T(S)) / 2;  // S² squares of −2 angle, over S
    for (int k = 0; k < logits<N>; ++k) z[k] = angle;
  }

 private:
  /// (1/S) Σ over each block of A∘B.
  template <int N, class V>
  MHC_HD static math::tile<V, N> sums_over_blocks(math::tile<V, N * S> const& a, math::tile<V, N * S> const& b) {
    math::tile<V, N> p;
    for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) {
        V sum(0);
        for (int k = 0; k < S * S; ++k)
          sum = sum + a.at[i * S + k / S][j * S + k % S] * b.at[i * S + k / S][j * S + k % S];
        p.at[i][j] = sum / V(math::scalar_of<V>(S));
      }
    return p;
  }
};

}  // namespace mhc

MHC_END_LANES
