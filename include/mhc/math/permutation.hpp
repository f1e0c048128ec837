// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/tile.hpp>

/// @file
/// Mixtures of permutation matrices, Perm_r = (1 where j = order[r][i]), with the N! permutations in lexicographic
/// order: the identity is the first, the reversal the last.

MHC_BEGIN_LANES

namespace mhc::math {

MHC_HD constexpr int factorial(int n) { return n > 1 ? n * factorial(n - 1) : 1; }

template <int N>
struct permutation_table {
  int at[factorial(N)][N];
};

/// The digits of r in the factorial number system say which of the indices left is taken next.
template <int N>
MHC_HD constexpr permutation_table<N> permutations() {
  permutation_table<N> table{};
  for (int r = 0; r < factorial(N); ++r) {
    bool taken[N] = {};
    for (int i = 0; i < N; ++i) {
      int skip = r / factorial(N - 1 - i) % (N - i), j = 0;
      while (taken[j] || skip-- > 0) ++j;
      taken[j] = true;
      table.at[r][i] = j;
    }
  }
  return table;
}

/// Σ_r w_r Perm_r.
template <int N, class V>
MHC_HD inline tile<V, N> mixture_of_permutations(vec<V, factorial(N)> const& w) {
  constexpr auto order = permutations<N>();
  constexpr int count = factorial(N);
  tile<V, N> p;
  MHC_UNROLL for (int k = 0; k < N * N; ++k) p[k] = V(0);
  MHC_UNROLL for (int r = 0; r < count; ++r) MHC_UNROLL for (int i = 0; i < N; ++i) p.at[i][order.at[r][i]] =
      p.at[i][order.at[r][i]] + w[r];
  return p;
}

/// ⟨Perm_r, G⟩ for every r: the transpose of the mixture.
template <class V, int N>
MHC_HD inline vec<V, factorial(N)> sums_over_permutations(tile<V, N> const& g) {
  constexpr auto order = permutations<N>();
  constexpr int count = factorial(N);
  vec<V, factorial(N)> s;
  MHC_UNROLL for (int r = 0; r < count; ++r) {
    s[r] = g.at[0][order.at[r][0]];
    MHC_UNROLL for (int i = 1; i < N; ++i) s[r] = s[r] + g.at[i][order.at[r][i]];
  }
  return s;
}

}  // namespace mhc::math

MHC_END_LANES
