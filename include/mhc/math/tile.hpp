// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/math/lane.hpp>
#include <mhc/math/marginals.hpp>

MHC_BEGIN_LANES

namespace mhc::math {

/// K numbers in registers. V is an element, or a SIMD register holding one problem per lane.
template <class V, int K>
struct vec {
  V at[K > 0 ? K : 1];
  static constexpr int count = K;

  MHC_HD V& operator[](int k) { return at[k]; }
  MHC_HD V const& operator[](int k) const { return at[k]; }
};

/// One N x N matrix in registers; operator[] numbers the entries row by row.
template <class V, int N>
struct tile {
  V at[N][N];
  static constexpr int count = N * N;

  MHC_HD V& operator[](int k) { return at[k / N][k % N]; }
  MHC_HD V const& operator[](int k) const { return at[k / N][k % N]; }
};

/// N times the same number.
template <int N, class V>
MHC_HD inline vec<V, N> filled(V const& value) {
  vec<V, N> a;
  MHC_UNROLL for (int k = 0; k < N; ++k) a[k] = value;
  return a;
}

template <class V, int N>
MHC_HD inline vec<V, N> row_of(tile<V, N> const& a, int i) {
  vec<V, N> line;
  MHC_UNROLL for (int j = 0; j < N; ++j) line[j] = a.at[i][j];
  return line;
}

template <class V, int N>
MHC_HD inline vec<V, N> column_of(tile<V, N> const& a, int j) {
  vec<V, N> line;
  MHC_UNROLL for (int i = 0; i < N; ++i) line[i] = a.at[i][j];
  return line;
}

template <class V, int N>
MHC_HD inline tile<V, N> transposed(tile<V, N> const& a) {
  tile<V, N> b;
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) b.at[i][j] = a.at[j][i];
  return b;
}

/// Entry by entry selection.
template <class V, int N>
MHC_HD inline void assign_where(mask_of<V> const& m, tile<V, N>& a, tile<V, N> const& b) {
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) a.at[i][j] =
      select<V>(m, b.at[i][j], a.at[i][j]);
}

/// max |row sum − r_i|, |column sum − c_j|; a NaN entry gives NaN.
template <class Marginals, class V, int N>
MHC_HD inline V marginal_error(Marginals const& marginals, tile<V, N> const& p) {
  V worst(0), poison(0);
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    V row = -marginals.template row<V>(i), column = -marginals.template column<V>(i);
    MHC_UNROLL for (int j = 0; j < N; ++j) {
      row = row + p.at[i][j];
      column = column + p.at[j][i];
    }
    worst = maximum(worst, maximum(magnitude(row), magnitude(column)));
    poison = poison + row * V(0);  // maximum() drops a NaN, a sum keeps it
  }
  return worst + poison;
}

/// max over all row and column sums of |sum − 1|; a NaN entry gives NaN.
template <class V, int N>
MHC_HD inline V marginal_error(tile<V, N> const& p) {
  return marginal_error(unit_marginals{}, p);
}

}  // namespace mhc::math

MHC_END_LANES
