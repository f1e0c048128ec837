// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/core/elements.hpp>
#include <mhc/ops/copies.cuh>
#include <mhc/ops/device.cuh>
#include <mhc/ops/gates/scan.cuh>
#include <mhc/ops/mma.cuh>

#include <cstddef>

/// @file
/// How the spread is cut up, and what it is given.

namespace mhc::detail {

/// What the spread has to know of a row with K scores and P streams: the weights in their pieces, the norm's factor, and
/// H_pre of its streams.
template <class T, int K, int P>
struct weight_row {
  using tiling = score_tiling<K, 3>;  // more scores take a further scan, which adds to the gradient of the first
  static constexpr int scores = 8 * tiling::tiles, values = scores * pieces<T>;  ///< of a part
  static constexpr int norm = tiling::parts * values, h_pre = norm + 1, pitch = (h_pre + P + 3) / 4 * 4;

  /// In shared memory: the values of a part, and what stands behind those of all parts. Rows are 32 or 96 bytes apart,
  /// modulo the banks: four of them, with four pairs of values each, meet in no bank.
  static constexpr int bytes = (values + pitch - norm) * static_cast<int>(sizeof(T));
  static constexpr int shared_pitch = ((bytes + 31) / 64 * 64 + 32) / static_cast<int>(sizeof(T));
};

/// How it is cut up, for rows of P streams of S with K scores; whether x_gradient is added to; whether in the least shared
/// memory.
template <class S, int K, int P, bool Accumulates, bool Short = false>
struct spread_shape {
  using T = coefficient_t<S>;
  using weights = weight_row<T, K, P>;
  using tiling = typename weights::tiling;
  using tile = shared_tile<T>;
  static constexpr int blocks = P < 8 ? 8 / P : 1;  ///< column blocks of each stream
  static constexpr int warps = P * blocks, threads = 32 * warps, rows = 16;
  static constexpr bool keeps_old =
      Accumulates && !Short;  ///< what is added to comes with the stage, else when it is met
  static constexpr int stages = keeps_old || (Short && P == 1) ? 2 : 3;
  static constexpr int block_bytes = rows * stream_tile<S>::row_bytes;
  static constexpr int x_bytes = warps * block_bytes, u_bytes = blocks * block_bytes;
  static constexpr int weight_bytes = rows * weights::shared_pitch * static_cast<int>(sizeof(T));
  static constexpr int phi_bytes = warps * weights::scores * tile::row_bytes;
  static constexpr int stage_bytes = (keeps_old ? 2 : 1) * x_bytes + u_bytes + weight_bytes;
  static constexpr int shared_bytes = phi_bytes + stages * stage_bytes;

  /// Into so many groups of `blocks` column blocks are the channels cut.
  MHC_HD static constexpr std::ptrdiff_t groups(std::ptrdiff_t channels) {
    return (channels + blocks * tile::columns - 1) / (blocks * tile::columns);
  }
};

/// The rows in parts, so that there is work for every multiprocessor.
struct spread_splits {
  std::ptrdiff_t count, rows;  ///< rows of a part: a multiple of 16

  spread_splits(std::ptrdiff_t all_rows, std::ptrdiff_t groups) {
    std::ptrdiff_t const most = (all_rows + 63) / 64, wanted = 512 / groups;
    std::ptrdiff_t const parts = wanted < 1 ? 1 : wanted < most ? wanted : most > 0 ? most : 1;
    rows = ((all_rows + parts - 1) / parts + 15) / 16 * 16;
    count = rows > 0 ? (all_rows + rows - 1) / rows : 1;
  }
};

template <class S>
struct spread_task {
  using T = coefficient_t<S>;

  S const* x;
  T const* phi;
  T const* weight;      ///< weight_row by weight_row
  S const* u_gradient;  ///< null where u is no output
  std::ptrdiff_t rows, channels;
  int rows_per_token;
  spread_splits splits;
  int part;  ///< of the scores
  S* x_gradient;
  T* phi_partial;
};

}  // namespace mhc::detail
