// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/lane.hpp>
#include <mhc/math/tile.hpp>

/// @file
/// The assignment problem of order 4, max over permutations π of Σ_i Z_iπ(i), and its dual,
/// min over b of Σ_i max_j (Z_ij + b_j) − Σ_j b_j: what the entropic projection tends to as logits grow. Sums and maxima
/// alone, so it takes a tenth of the time of one step of Newton's method.

MHC_BEGIN_LANES

namespace mhc::math {

/// Optimal potentials b with b_0 = 0, and how far apart two optimal values of a b_j can be.
template <class V, int N>
struct assignment_dual {
  vec<V, N> columns;
  V range;
};

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

/// The most M_ij that the rows but i can take from the columns but j makes optimal potentials b_j = M_ij − M_i0 for every
/// i, extreme ones; their mean is in the middle of all that are optimal.
template <class V>
MHC_HD inline assignment_dual<V, 4> dual_of_assignment(tile<V, 4> const& z) {
  auto const upper = best_pairs(row_of(z, 0), row_of(z, 1)), lower = best_pairs(row_of(z, 2), row_of(z, 3));
  vec<V, 4> const without[4] = {best_without(row_of(z, 1), lower), best_without(row_of(z, 0), lower),
                                best_without(row_of(z, 3), upper), best_without(row_of(z, 2), upper)};
  assignment_dual<V, 4> dual{filled<4>(V(0)), V(0)};
  MHC_UNROLL for (int j = 1; j < 4; ++j) {
    V const first = without[0][j] - without[0][0];
    V low = first, high = first, sum = first;
    MHC_UNROLL for (int i = 1; i < 4; ++i) {
      V const b = without[i][j] - without[i][0];
      low = minimum(low, b);
      high = maximum(high, b);
      sum = sum + b;
    }
    dual.columns[j] = V(scalar_of<V>(0.25)) * sum;
    dual.range = maximum<V>(dual.range, high - low);
  }
  return dual;
}

}  // namespace mhc::math

MHC_END_LANES
