// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/lane.hpp>
#include <mhc/math/tile.hpp>

/// @file
/// The assignment problem of order 4, max over permutations π of Σ_i Z_iπ(i), by its dual,
///   min over b of Σ_i max_j (Z_ij + b_j) − Σ_j b_j:
/// what the entropic projection and its potentials tend to as logits grow. Some hundred sums and maxima, less than one step
/// of Newton's method takes.

MHC_BEGIN_LANES

namespace mhc::math {

/// (j, k) -> max(a_j + b_k, a_k + b_j) above the diagonal.
template <class V>
MHC_HD inline tile<V, 4> best_pairs(vec<V, 4> const& a, vec<V, 4> const& b) {
  tile<V, 4> best;
  MHC_UNROLL for (int j = 0; j < 4; ++j) MHC_UNROLL for (int k = j + 1; k < 4; ++k) best.at[j][k] =
      maximum<V>(a[j] + b[k], a[k] + b[j]);
  return best;
}

/// out_j: the most that three rows can take from the columns but j, given one of them and the `best_pairs` of the others.
template <class V>
MHC_HD inline vec<V, 4> best_without(vec<V, 4> const& row, tile<V, 4> const& pairs) {
  vec<V, 4> out;
  MHC_UNROLL for (int j = 0; j < 4; ++j) {
    int const a = j == 0 ? 1 : 0, b = j <= 1 ? 2 : 1, c = j <= 2 ? 3 : 2;
    out[j] = maximum<V>(row[a] + pairs.at[b][c], maximum<V>(row[b] + pairs.at[a][c], row[c] + pairs.at[a][b]));
  }
  return out;
}

/// Optimal potentials b, with b_0 = 0. The most M_ij that the rows but i can take from the columns but j gives one solution
/// b_j = M_ij − M_i0 for every i, a corner of all that are optimal; this is the mean of the four. Infinite or NaN where
/// −∞ in Z leaves rows and columns that no permutation has.
template <class V>
MHC_HD inline vec<V, 4> potentials_of_assignment(tile<V, 4> const& z) {
  auto const upper = best_pairs(row_of(z, 0), row_of(z, 1)), lower = best_pairs(row_of(z, 2), row_of(z, 3));
  vec<V, 4> const without[4] = {best_without(row_of(z, 1), lower), best_without(row_of(z, 0), lower),
                                best_without(row_of(z, 3), upper), best_without(row_of(z, 2), upper)};
  auto mean = filled<4>(V(0));
  MHC_UNROLL for (int j = 1; j < 4; ++j) {
    V const even = (without[0][j] - without[0][0]) + (without[2][j] - without[2][0]);
    V const odd = (without[1][j] - without[1][0]) + (without[3][j] - without[3][0]);
    mean[j] = V(scalar_of<V>(0.25)) * (even + odd);
  }
  return mean;
}

}  // namespace mhc::math

MHC_END_LANES
