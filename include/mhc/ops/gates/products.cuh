// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/math/tile.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/packs.cuh>
#include <mhc/ops/parameters.hpp>

#include <cmath>
#include <cstddef>

/// @file
/// The thin product of normalised rows with φ, and their norms, in one scan of the rows. A warp has a few rows and its
/// lanes neighbouring elements; all warps of a block walk along their rows together, so that a tile of φ is fetched once
/// for all rows of the block. The sum of a row has the same order in any batch.

namespace mhc::detail {

/// How the products of one kind are cut up.
template <class Kind, class T>
struct product_shape {
  static constexpr int K = Kind::scores_per_row, S = scores_of<Kind>;
  static constexpr int warps = 8, threads = 32 * warps;
  static constexpr int rows_per_warp = 4;
  static constexpr int scores_at_a_time = sizeof(T) == 4 ? 24 : 12;  // with 4 rows: 96 registers of sums
  static constexpr int shared_rows = 24576 / ((K + 1) * static_cast<int>(sizeof(T)));
  static constexpr int most_rows = warps * rows_per_warp;
  static constexpr int wanted_rows = shared_rows < most_rows ? shared_rows : most_rows;
  static constexpr int tokens = wanted_rows / Kind::rows > 0 ? wanted_rows / Kind::rows : 1;
  static constexpr int rows = tokens * Kind::rows;
  static_assert(rows <= most_rows);
};

/// Scores and norms of a block's rows, in shared memory.
template <class Kind, class T>
struct block_scores {
  using shape = product_shape<Kind, T>;
  T score[shape::rows][shape::K > 0 ? shape::K : 1];
  T square[shape::rows];
};

/// Σ over the lanes of a warp, in all of them.
template <class T>
__device__ inline T sum_over_warp(T value) {
  MHC_UNROLL for (int distance = 16; distance > 0; distance /= 2) value +=
      __shfl_xor_sync(0xffffffffu, value, distance);
  return value;
}

/// out.score[r][k] = φ_k·x_r and out.square[r] = |x_r|² for `count` rows of `length` elements, one behind the other.
/// Begins and ends in a barrier.
template <int W, class Kind, class T, class S>
__device__ inline void row_products(S const* x, int count, std::ptrdiff_t length, T const* phi,
                                    block_scores<Kind, T>& out) {
  using shape = product_shape<Kind, T>;
  constexpr int R = shape::rows_per_warp, Q = shape::scores_at_a_time;
  __shared__ pack<T, W> phi_tile[Q][32];
  int const lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
  int const first = warp * R;
  for (int k0 = 0; k0 < shape::K; k0 += Q) {
    T sum[R][Q] = {};
    T square[R] = {};
    for (std::ptrdiff_t c0 = 0; c0 < length; c0 += 32 * W) {
      std::ptrdiff_t const c = c0 + lane * W;
      __syncthreads();
      for (int k = warp; k < Q; k += shape::warps) {
        bool const exists = k0 + k < shape::K && c < length;
        phi_tile[k][lane] = exists ? load_pack<T, W>(phi + (k0 + k) * length + c) : pack<T, W>{};
      }
      pack<T, W> row[R];
      MHC_UNROLL for (int r = 0; r < R; ++r) {
        bool const exists = first + r < count && c < length;
        row[r] = exists ? load_pack<T, W>(x + (first + r) * length + c) : pack<T, W>{};
      }
      __syncthreads();
      if (first >= count) continue;
      MHC_UNROLL for (int k = 0; k < Q; ++k) {
        pack<T, W> const p = phi_tile[k][lane];
        MHC_UNROLL for (int r = 0; r < R; ++r) MHC_UNROLL for (int w = 0; w < W; ++w) sum[r][k] +=
            row[r].at[w] * p.at[w];
      }
      MHC_UNROLL for (int r = 0; r < R; ++r) MHC_UNROLL for (int w = 0; w < W; ++w) square[r] +=
          row[r].at[w] * row[r].at[w];
    }
    MHC_UNROLL for (int r = 0; r < R; ++r) {
      bool const keeps = lane == 0 && first + r < count;
      MHC_UNROLL for (int k = 0; k < Q; ++k) {
        T const total = sum_over_warp(sum[r][k]);
        if (keeps && k0 + k < shape::K) out.score[first + r][k0 + k] = total;
      }
      T const total = sum_over_warp(square[r]);
      if (keeps) out.square[first + r] = total;
    }
  }
  __syncthreads();
}

/// ŝ for every row and score of token t of the block, and r = (|x|²/M + ε)^(−1/2) for every row.
template <class Kind, class T>
struct device_token_scores {
  math::vec<T, scores_of<Kind>> score;
  math::vec<T, Kind::rows> inverse_rms;

  __device__ device_token_scores(Kind const& kind, block_scores<Kind, T> const& in, std::ptrdiff_t length, int t) {
    using std::sqrt;
    MHC_UNROLL for (int r = 0; r < Kind::rows; ++r) {
      int const row = t * Kind::rows + r;
      inverse_rms[r] = T(1) / sqrt(in.square[row] / static_cast<T>(length) + kind.norm_epsilon);
      MHC_UNROLL for (int k = 0; k < Kind::scores_per_row; ++k) score[r * Kind::scores_per_row + k] =
          inverse_rms[r] * in.score[row][k];
    }
  }
};

/// finish(b, scores) for every token b: one thread per token, after the block has formed the products of its tokens. A
/// static connection has no products, and its scores are not read.
template <int W, class Kind, class T, class S, class Finish>
__device__ inline void for_each_token_scores(Kind const& kind, T const* phi, S const* x, std::ptrdiff_t tokens,
                                             std::ptrdiff_t length, bool dynamic, Finish const& finish) {
  using shape = product_shape<Kind, T>;
  __shared__ block_scores<Kind, T> scores;
  std::ptrdiff_t const turn = static_cast<std::ptrdiff_t>(gridDim.x) * shape::tokens;
  for (std::ptrdiff_t first = static_cast<std::ptrdiff_t>(blockIdx.x) * shape::tokens; first < tokens; first += turn) {
    int const count = tokens - first < shape::tokens ? static_cast<int>(tokens - first) : shape::tokens;
    if (dynamic) row_products<W>(x + first * Kind::rows * length, count * Kind::rows, length, phi, scores);
    int const t = static_cast<int>(threadIdx.x);
    if (t < count) finish(first + t, device_token_scores<Kind, T>(kind, scores, length, t));
  }
}

}  // namespace mhc::detail
