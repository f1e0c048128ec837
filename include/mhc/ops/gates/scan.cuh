// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/ops/copies.cuh>
#include <mhc/ops/device.cuh>
#include <mhc/ops/mma.cuh>
#include <mhc/ops/packs.cuh>

#include <cstddef>
#include <type_traits>

/// @file
/// The thin product of rows of x with φ, their norms, and the products of streams with the gradient of u, in one scan of
/// x by the matrix units. A block has 128 rows, or twice as many, and walks along a chunk of their channels, a column block
/// of 128 bytes of each stream at a time; φ passes through shared memory once for all of them, and each warp cuts it into
/// the pieces that the matrix units take once for its 16 or 32 rows. The sums over chunks are left to a later kernel.
/// Chunks are cut by the number of channels alone, and rows do not meet: a row has the same sum in any batch.

namespace mhc::detail {

/// K scores in equal parts of up to `Most` tiles of 8.
template <int K, int Most>
struct score_tiling {
  static constexpr int all = (K + 7) / 8;
  static constexpr int parts = all == 0 ? 1 : (all + Most - 1) / Most;
  static constexpr int tiles = all == 0 ? 1 : (all + parts - 1) / parts;  ///< in a part
  static constexpr int padded = 8 * tiles * parts;
};

/// The channels of a row in column blocks of 128 bytes of every stream, and these in chunks.
struct scan_chunks {
  std::ptrdiff_t blocks, per_chunk, count;

  scan_chunks(std::ptrdiff_t channels, int columns, int streams) {
    blocks = (channels + columns - 1) / columns;
    std::ptrdiff_t const wanted = blocks * streams / 64 < 4 ? 4 : blocks * streams / 64;
    per_chunk = (blocks + wanted - 1) / wanted;
    count = (blocks + per_chunk - 1) / per_chunk;
  }
};

/// How the scan is cut up: rows of P streams of S, K scores a row; `Dots` with the gradient of u; 16·M rows to a warp; with a
/// ring that is `Short` enough for the least shared memory.
template <class S, int K, int P, bool Dots, int M, bool Short = false>
struct scan_shape {
  using tiling = score_tiling<K, 5>;
  static constexpr int warps = 8, threads = 32 * warps, rows = 16 * M * warps;
  static constexpr int stages = !Short ? 4 : P > 1 ? 3 : 2;  ///< of the ring: one is worked on while the others arrive
  static constexpr int tile_bytes = stream_tile<S>::row_bytes * rows;
  static constexpr int stage_bytes = tile_bytes + shared_tile<coefficient_t<S>>::row_bytes * 8 * tiling::tiles;
  static constexpr int u_slots = P >= stages ? 2 : P == 1 ? stages : 3;  ///< column blocks in the ring at once
  static constexpr int shared_bytes = stages * stage_bytes + (Dots ? u_slots * tile_bytes : 0);

  MHC_HD static constexpr std::ptrdiff_t items(std::ptrdiff_t all_rows, scan_chunks const& chunks) {
    return (all_rows + rows - 1) / rows * chunks.count * tiling::parts;
  }
  static constexpr int per_multiprocessor = M == 1 && sizeof(S) <= 4 ? 2 : 1;  ///< blocks that have room
};

/// From so many blocks on those of 16-bit streams have twice as many rows: of half the rows two would share a
/// multiprocessor. (float has twice as much to do for a row, and is slower with them.)
inline constexpr std::ptrdiff_t least_tall_blocks = 72;

/// Where the scan leaves its sums: chunk after chunk, row after row, so many numbers.
template <int K, int P>
struct scan_columns {
  static constexpr int square = score_tiling<K, 5>::padded;  ///< |x|², behind the scores
  static constexpr int dots = square + 1;                    ///< ∂u·x_i for every stream
  static constexpr int pitch = (dots + P + 7) / 8 * 8;
};

template <class S>
struct scan_task {
  using T = coefficient_t<S>;

  S const* x;
  T const* phi;
  S const* u_gradient;
  std::ptrdiff_t rows, channels;
  int rows_per_token;
  scan_chunks chunks;
  T* partial;
};

/// What the scan of `tokens` tokens has left, or null where nothing was scanned, in rows of `length` elements.
template <class T>
struct scan_sums {
  T const* at;
  std::ptrdiff_t chunks, tokens, length;
};

/// Over the four lanes that share a row.
template <class T>
__device__ inline void sum_over_four(T& value) {
  value += __shfl_xor_sync(0xffffffffu, value, 1);
  value += __shfl_xor_sync(0xffffffffu, value, 2);
}

/// What a warp leaves of its rows from `first` on. Its lane 4g + q has the scores 2q and 2q + 1 of every tile of rows g, g + 8,
/// …, and its share of |x|² and of ∂u·x, which are summed and left with the first scores.
template <int K, bool Dots, class S, class T, int M, int Tiles, int P>
__device__ inline void write_scan(scan_task<S> const& in, int lane, std::ptrdiff_t chunk, std::ptrdiff_t first,
                                  int first_score, T const (&total)[M][Tiles][4], T (&square)[2 * M],
                                  T (&dots)[P][2 * M]) {
  using columns = scan_columns<K, P>;
  int const g = lane / 4, q = lane % 4;
  MHC_UNROLL for (int h = 0; h < 2 * M; ++h) {
    sum_over_four(square[h]);
    if constexpr (Dots) MHC_UNROLL for (int i = 0; i < P; ++i) sum_over_four(dots[i][h]);
    std::ptrdiff_t const row = first + g + 8 * h;
    if (row >= in.rows) continue;
    T* const to = in.partial + (chunk * in.rows + row) * columns::pitch;
    MHC_UNROLL for (int t = 0; t < Tiles; ++t) {
      T const* const two = total[h / 2][t] + h % 2 * 2;
      store_pack(pack<T, 2>{two[0], two[1]}, to + first_score + 8 * t + 2 * q);
    }
    if (q != 0 || first_score != 0) continue;
    to[columns::square] = square[h];
    if constexpr (Dots) MHC_UNROLL for (int i = 0; i < P; ++i) to[columns::dots + i] = dots[i][h];
  }
}

/// One block's part of the scan. W elements of a stream are moved at once; floats are factors in one piece if `Tf32`.
template <int W, class S, int K, int P, bool Dots, int M, bool Short, bool Tf32>
struct scan {
  using T = coefficient_t<S>;
  using phi_factor = std::conditional_t<Tf32, tf32, T>;
  using x_factor = std::conditional_t<is_short_v<S>, S, phi_factor>;
  using shape = scan_shape<S, K, P, Dots, M, Short>;
  using streams = stream_tile<S>;
  using tile = shared_tile<T>;
  static constexpr int tiles = shape::tiling::tiles, phi_width = W == 1 ? 1 : tile::elements;

  scan_task<S> const& in;
  unsigned char* memory;
  std::ptrdiff_t first_row, first_block, chunk;
  int first_score, count;

  __device__ scan(scan_task<S> const& task, unsigned char* shared, std::ptrdiff_t item) : in(task), memory(shared) {
    first_score = static_cast<int>(item % shape::tiling::parts) * 8 * tiles;
    item /= shape::tiling::parts;
    chunk = item % in.chunks.count;
    first_row = item / in.chunks.count * shape::rows;
    first_block = chunk * in.chunks.per_chunk;
    std::ptrdiff_t const left = in.chunks.blocks - first_block;
    count = P * static_cast<int>(left < in.chunks.per_chunk ? left : in.chunks.per_chunk);
  }

  __device__ void run() const {
    T total[M][tiles][4] = {}, square[2 * M] = {}, dots[P][2 * M] = {};
    bool const has_rows = first_row + first_of_warp() < in.rows;
    for (int s = 0; s < shape::stages - 1; ++s) fill(s);
    for (int s = 0; s < count; ++s) {
      wait_for_copies<shape::stages - 2>();
      __syncthreads();
      fill(s + shape::stages - 1);
      if (has_rows) multiply_stage(s, total, square, dots);
    }
    if (has_rows)
      write_scan<K, Dots>(in, static_cast<int>(threadIdx.x) % 32, chunk, first_row + first_of_warp(), first_score,
                          total, square, dots);
    __syncthreads();
  }

 private:
  /// The block's row where the warp's begin.
  __device__ static int first_of_warp() { return static_cast<int>(threadIdx.x) / 32 * 16 * M; }
  __device__ streams x_tile(int s) const { return {memory + s % shape::stages * shape::stage_bytes}; }
  __device__ tile phi_tile(int s) const { return {x_tile(s).memory + shape::tile_bytes}; }
  __device__ streams u_tile(int s) const {
    return {memory + shape::stages * shape::stage_bytes + s / P % shape::u_slots * shape::tile_bytes};
  }

  /// Begins to copy stage s of the chunk, a column block of one stream.
  __device__ void fill(int s) const {
    if (s < count) {
      fill_streams(s);
      fill_phi(s);
    }
    commit_copies();
  }

  __device__ void fill_streams(int s) const {
    int const u = static_cast<int>(threadIdx.x) % streams::units;
    std::ptrdiff_t const c = (first_block + s / P) * streams::columns + u * streams::elements, exists = in.channels - c;
    std::ptrdiff_t const length = P * in.channels, at = s % P * in.channels + c;
    for (int r = static_cast<int>(threadIdx.x) / streams::units; r < shape::rows;
         r += shape::threads / streams::units) {
      std::ptrdiff_t const row = first_row + r;
      if (row - r % 16 >= in.rows) break;
      x_tile(s).template fill<W>(r, u, in.x + row * length + at, row < in.rows ? exists : 0);
      if constexpr (Dots)
        if (s % P == 0)
          u_tile(s).template fill<W>(r, u, in.u_gradient + row / in.rows_per_token * in.channels + c,
                                     row < in.rows ? exists : 0);
    }
  }

  __device__ void fill_phi(int s) const {
    int const u = static_cast<int>(threadIdx.x) % tile::units;
    std::ptrdiff_t const c = (first_block + s / P) * tile::columns + u * tile::elements, exists = in.channels - c;
    std::ptrdiff_t const length = P * in.channels, at = s % P * in.channels + c;
    for (int k = static_cast<int>(threadIdx.x) / tile::units; k < 8 * tiles; k += shape::threads / tile::units)
      phi_tile(s).template fill<phi_width>(k, u, in.phi + (first_score + k) * length + at,
                                           first_score + k < K ? exists : 0);
  }

  /// The sums of a stage begin at zero, so that they do not lose bits to those of all stages before.
  __device__ void multiply_stage(int s, T (&total)[M][tiles][4], T (&square)[2 * M], T (&dots)[P][2 * M]) const {
    int const lane = static_cast<int>(threadIdx.x) % 32, g = lane / 4, q = lane % 4, row = first_of_warp() + g;
    T sum[M][tiles][4] = {}, dot[2 * M] = {};
    MHC_UNROLL for (int j = 0; j < 2; ++j) {
      typename tile::unit x[2 * M];  // of rows g, g + 8, … of the warp
      MHC_UNROLL for (int h = 0; h < 2 * M; ++h) {
        x[h] = x_tile(s).template eighth_of_lane<T>(row + 8 * h, q, j);
        MHC_UNROLL for (int e = 0; e < tile::elements; ++e) square[h] += x[h].at[e] * x[h].at[e];
        if constexpr (Dots) {
          auto const u = u_tile(s).template eighth_of_lane<T>(row + 8 * h, q, j);
          MHC_UNROLL for (int e = 0; e < tile::elements; ++e) dot[h] += x[h].at[e] * u.at[e];
        }
      }
      typename tile::unit phi[tiles];
      MHC_UNROLL for (int t = 0; t < tiles; ++t) phi[t] = phi_tile(s).at(8 * t + g, streams::eighth_of(q, j));
      MHC_UNROLL for (int e = 0; e < tile::elements; e += 2) {  // which of the columns meet does not matter
        factors<phi_factor, 2> b[tiles];
        MHC_UNROLL for (int k = 0; k < 2; ++k) MHC_UNROLL for (int t = 0; t < tiles; ++t) b[t].set(k, phi[t].at[e + k]);
        MHC_UNROLL for (int m = 0; m < M; ++m) {
          factors<x_factor, 4> a;
          MHC_UNROLL for (int k = 0; k < 2; ++k) MHC_UNROLL for (int h = 0; h < 2; ++h)
              a.set(2 * k + h, x[2 * m + h].at[e + k]);
          multiply(sum[m], a, b);
        }
      }
    }
    MHC_UNROLL for (int m = 0; m < M; ++m) MHC_UNROLL for (int t = 0; t < tiles; ++t)
        MHC_UNROLL for (int e = 0; e < 4; ++e) total[m][t][e] += sum[m][t][e];
    MHC_UNROLL for (int i = 0; i < P; ++i) MHC_UNROLL for (int h = 0; h < 2 * M; ++h) dots[i][h] +=
        i == s % P ? dot[h] : T(0);
  }
};

template <int W, class S, int K, int P, bool Dots, int M, bool Short, bool Tf32>
__global__ void __launch_bounds__(scan_shape<S, K, P, Dots, M, Short>::threads,
                                  scan_shape<S, K, P, Dots, M, Short>::per_multiprocessor)
    scan_kernel(scan_task<S> task) {
  std::ptrdiff_t const items = scan_shape<S, K, P, Dots, M, Short>::items(task.rows, task.chunks);
  for (std::ptrdiff_t item = blockIdx.x; item < items; item += gridDim.x)
    scan<W, S, K, P, Dots, M, Short, Tf32>(task, dynamic_shared_memory(), item).run();
}

template <int W, class S, int K, int P, bool Dots, int M, bool Short, bool Tf32>
void launch_scan_of(cuda::policy const& where, char const* operation, scan_task<S> const& task) {
  using shape = scan_shape<S, K, P, Dots, M, Short>;
  static_assert(!Short || shape::shared_bytes <= least_shared_memory);
  launch(where, operation, scan_kernel<W, S, K, P, Dots, M, Short, Tf32>,
         {block_count(shape::items(task.rows, task.chunks), 1), shape::threads, shape::shared_bytes}, task);
}

}  // namespace mhc::detail
