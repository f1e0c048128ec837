// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/balance.hpp>
#include <mhc/math/permutation.hpp>
#include <mhc/math/softmax.hpp>

#include <cmath>

MHC_BEGIN_LANES

namespace mhc {

/// A mixture of all N! permutation matrices: P = Σ_r softmax(z)_r Perm_r, the Birkhoff–von Neumann theorem taken as a
/// parametrisation. Perm_r has a 1 at (i, order[r][i]), with the permutations in lexicographic order (as Python's
/// itertools yields them): z_0 belongs to the identity, the last logit to the reversal.
///
/// Shapes  logits (B, N!); N <= 5.
/// Result  doubly stochastic to rounding; every P with positive entries is reached, by many z.
/// Range   any finite logits.
///
/// @see mHC-lite, arXiv:2601.05732
struct permutation {
  static constexpr int largest_order = 5;

  template <int N>
  static constexpr int logits = math::factorial(N <= largest_order ? N : 0);

  template <int N, class V>
    requires(N <= largest_order)
  MHC_HD math::tile<V, N> apply(math::vec<V, logits<N>> const& z) const {
    return math::balanced(math::mixture_of_permutations<N>(math::softmax(z)));  // the rounding of sums of (N−1)! terms
  }

  template <class V, int N>
  MHC_HD math::vec<V, logits<N>> vjp(math::vec<V, logits<N>> const& z, math::tile<V, N> const&,
                                     math::tile<V, N> const& plan_gradient) const {
    return math::softmax_derivative(math::softmax(z), math::sums_over_permutations(plan_gradient));
  }

  template <class V, int N>
  MHC_HD math::tile<V, N> jvp(math::vec<V, logits<N>> const& z, math::tile<V, N> const&,
                              math::vec<V, logits<N>> const& tangent) const {
    return math::mixture_of_permutations<N>(math::softmax_derivative(math::softmax(z), tangent));
  }
  /// Logits that start near the identity, the further the larger `diagonal` is: see mhc::initialise.
  template <int N, class T>
  static void start(T diagonal, T* z) {
    for (int r = 1; r < logits<N>; ++r)
      z[r] = -diagonal - std::log(T(math::factorial(N - 1)));  // (N−1)! share an entry
    z[0] = T(0);
  }
};

}  // namespace mhc

MHC_END_LANES
