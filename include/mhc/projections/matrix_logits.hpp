// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/tile.hpp>

/// @file
/// For projections whose logits are an N x N matrix, row by row.

MHC_BEGIN_LANES

namespace mhc::detail {

template <int N, class V>
MHC_HD inline math::tile<V, N> as_matrix(math::vec<V, N * N> const& z) {
  math::tile<V, N> a;
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) a.at[i][j] = math::loaded(z[i * N + j]);
  return a;
}

template <class V, int N>
MHC_HD inline math::vec<V, N * N> as_logits(math::tile<V, N> const& a) {
  math::vec<V, N * N> z;
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) z[i * N + j] = math::loaded(a.at[i][j]);
  return z;
}

}  // namespace mhc::detail

MHC_END_LANES
