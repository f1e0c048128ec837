// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/tile.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/gates/scan.cuh>
#include <mhc/ops/parameters.hpp>

#include <cmath>
#include <cstddef>

/// @file
/// From the sums of the scan to the scores of a token, in the registers of one thread.

namespace mhc::detail {

template <class Kind>
using columns_of = scan_columns<Kind::scores_per_row, Kind::streams / Kind::rows>;

/// A block of few threads, so that a batch of few tokens is spread over many multiprocessors.
template <class Kind, class T>
struct score_block_shape {
  static constexpr int threads = 256, columns = columns_of<Kind>::pitch + 1;  // odd: no bank conflicts
  static constexpr int most = 32768 / (Kind::rows * columns * static_cast<int>(sizeof(T)));
  static constexpr int tokens = most < 1 ? 1 : most < 32 ? most : 32;
};

/// ŝ for every row and score of a token, r = (|x|²/M + ε)^(−1/2) for every row, and ∂u·x for every stream.
template <class Kind, class T>
struct device_token_scores {
  math::vec<T, scores_of<Kind>> score;
  math::vec<T, Kind::rows> inverse_rms;
  math::vec<T, Kind::streams> dots;

  __device__ device_token_scores() {}
  template <int Columns>
  __device__ device_token_scores(Kind const& kind, T const (*rows)[Columns], std::ptrdiff_t length) {
    using columns = columns_of<Kind>;
    using std::sqrt;
    constexpr int P = Kind::streams / Kind::rows;
    MHC_UNROLL for (int r = 0; r < Kind::rows; ++r) {
      inverse_rms[r] = T(1) / sqrt(rows[r][columns::square] / static_cast<T>(length) + kind.norm_epsilon);
      MHC_UNROLL for (int k = 0; k < Kind::scores_per_row; ++k) score[r * Kind::scores_per_row + k] =
          inverse_rms[r] * rows[r][k];
      MHC_UNROLL for (int i = 0; i < P; ++i) dots[r * P + i] = rows[r][columns::dots + i];
    }
  }
  /// As they have been kept, without dots.
  __device__ explicit device_token_scores(T const* kept) {
    MHC_UNROLL for (int k = 0; k < scores_of<Kind>; ++k) score[k] = kept[k];
    MHC_UNROLL for (int r = 0; r < Kind::rows; ++r) inverse_rms[r] = kept[scores_of<Kind> + r];
  }
  __device__ void keep(T* to) const {
    MHC_UNROLL for (int k = 0; k < scores_of<Kind>; ++k) to[k] = score[k];
    MHC_UNROLL for (int r = 0; r < Kind::rows; ++r) to[scores_of<Kind> + r] = inverse_rms[r];
  }
};

/// finish(b, scores) for every token b, one thread each: from the sums of a scan, or as they have been kept. A static
/// connection has none.
template <class Kind, class T, class Finish>
__device__ inline void for_each_token_scores(Kind const& kind, scan_sums<T> const& in, token_view<T const> kept,
                                             bool with_dots, Finish const& finish) {
  using shape = score_block_shape<Kind, T>;
  using columns = columns_of<Kind>;
  __shared__ T sums[shape::tokens * Kind::rows][shape::columns];
  std::ptrdiff_t const turn = static_cast<std::ptrdiff_t>(gridDim.x) * shape::tokens, rows = in.tokens * Kind::rows;
  int const used = with_dots ? columns::dots + Kind::streams / Kind::rows : columns::dots;
  for (std::ptrdiff_t first = static_cast<std::ptrdiff_t>(blockIdx.x) * shape::tokens; first < in.tokens;
       first += turn) {
    int const count = in.tokens - first < shape::tokens ? static_cast<int>(in.tokens - first) : shape::tokens;
    if (in.at != nullptr) {
      __syncthreads();
      for (int k = static_cast<int>(threadIdx.x); k < count * Kind::rows * used; k += shape::threads) {
        T const* const from = in.at + (first * Kind::rows + k / used) * columns::pitch + k % used;
        T sum = from[0];
        _Pragma("unroll 8") for (std::ptrdiff_t j = 1; j < in.chunks; ++j) sum += from[j * rows * columns::pitch];
        sums[k / used][k % used] = sum;
      }
      __syncthreads();
    }
    int const t = static_cast<int>(threadIdx.x);
    if (t >= count) continue;
    if (in.at != nullptr)
      finish(first + t, device_token_scores<Kind, T>(kind, sums + t * Kind::rows, in.length));
    else if (kept.data != nullptr)
      finish(first + t, device_token_scores<Kind, T>(kept.token(first + t)));
    else
      finish(first + t, device_token_scores<Kind, T>());
  }
}

}  // namespace mhc::detail
