// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/ops/copies.cuh>
#include <mhc/ops/device.cuh>
#include <mhc/ops/gates/scan.cuh>
#include <mhc/ops/mma.cuh>
#include <mhc/ops/packs.cuh>

#include <cstddef>

/// @file
/// With the weights w of every row and score: ∂x = H_preᵀ ∂u + w φ − norm x, and a split of the rows' share of
/// ∂φ = wᵀ x, in one scan of x by the matrix units. A block has a few channels of all streams and walks down its rows, 16
/// at a time; each warp keeps 128 bytes of every row of φ, and the sums for as many of its gradient, in registers.

namespace mhc::detail {

/// How it is cut up, for rows of P streams with K scores.
template <class T, int K, int P>
struct spread_shape {
  using tiling = score_tiling<K, 3>;  // more scores take a further scan, which adds to the gradient of the first
  using tile = shared_tile<T>;
  static constexpr int blocks = P < 8 ? 8 / P : 1;  ///< column blocks of each stream
  static constexpr int warps = P * blocks, threads = 32 * warps, rows = 16, stages = 3;
  static constexpr int scores = 8 * tiling::tiles;
  static constexpr int block_bytes = rows * tile::row_bytes;
  static constexpr int x_bytes = warps * block_bytes, u_bytes = blocks * block_bytes;
  static constexpr int weight_bytes = rows * scores * static_cast<int>(sizeof(T));
  static constexpr int stage_bytes = 2 * x_bytes + u_bytes + weight_bytes;
  static constexpr int shared_bytes = stages * stage_bytes;

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

template <class T>
struct spread_task {
  T const *x, *phi;
  T const *weight, *norm, *h_pre;  ///< of the workspace
  T const* u_gradient;             ///< null where u is no output
  std::ptrdiff_t rows, channels;
  int rows_per_token;
  spread_splits splits;
  int part;          ///< of the scores
  bool accumulates;  ///< x_gradient is added to
  T* x_gradient;
  T* phi_partial;
};

/// One block's share. W elements are moved at once.
template <int W, class T, int K, int P>
struct spread {
  using shape = spread_shape<T, K, P>;
  using tile = shared_tile<T>;
  using unit = typename tile::unit;
  static constexpr int tiles = shape::tiling::tiles, E = tile::elements, halves = E / 2;

  spread_task<T> const& in;
  unsigned char* memory;
  int warp, g, q, stream;
  bool first_part;
  std::ptrdiff_t length, split, begin, end, column;  ///< column: the warp's first channel

  __device__ spread(spread_task<T> const& task, unsigned char* shared, std::ptrdiff_t item) : in(task), memory(shared) {
    warp = static_cast<int>(threadIdx.x) / 32;
    g = static_cast<int>(threadIdx.x) % 32 / 4;
    q = static_cast<int>(threadIdx.x) % 4;
    stream = warp / shape::blocks;
    first_part = in.part == 0;
    length = P * in.channels;
    std::ptrdiff_t const groups = shape::groups(in.channels), group = item % groups;
    split = item / groups;
    begin = split * in.splits.rows;
    end = begin + in.splits.rows < in.rows ? begin + in.splits.rows : in.rows;
    column = (group * shape::blocks + warp % shape::blocks) * tile::columns;
    first_column = group * shape::blocks * tile::columns;
  }

  __device__ void run() const {
    T phi[tiles][2][E], total[halves][tiles][4] = {};
    load_phi(phi);
    int const count = static_cast<int>((end - begin + shape::rows - 1) / shape::rows);
    for (int s = 0; s < shape::stages - 1; ++s) fill(s, count);
    for (int s = 0; s < count; ++s) {
      wait_for_copies<shape::stages - 2>();
      __syncthreads();
      fill(s + shape::stages - 1, count);
      if (column >= in.channels) continue;
      spread_weights(s, phi);
      gather(s, total);
    }
    if (column < in.channels) write(total);
    __syncthreads();
  }

 private:
  std::ptrdiff_t first_column;

  __device__ unsigned char* stage(int s) const { return memory + s % shape::stages * shape::stage_bytes; }
  __device__ tile x_tile(int s) const { return {stage(s)}; }
  __device__ tile old_tile(int s) const { return {stage(s) + shape::x_bytes}; }
  __device__ tile u_tile(int s) const { return {stage(s) + 2 * shape::x_bytes}; }
  __device__ T* weights(int s) const { return reinterpret_cast<T*>(stage(s) + 2 * shape::x_bytes + shape::u_bytes); }

  /// Begins to copy 16 rows of x, of ∂u, of what is in x_gradient already, and of weights.
  __device__ void fill(int s, int count) const {
    if (s < count) {
      int const u = static_cast<int>(threadIdx.x) % tile::units, first = static_cast<int>(threadIdx.x) / tile::units;
      std::ptrdiff_t const top = begin + static_cast<std::ptrdiff_t>(s) * shape::rows;
      for (int k = first; k < 16 * shape::warps; k += shape::threads / tile::units) {
        int const w = k / 16;
        std::ptrdiff_t const row = top + k % 16;
        std::ptrdiff_t const c = first_column + w % shape::blocks * tile::columns + u * E;
        std::ptrdiff_t const at = row * length + w / shape::blocks * in.channels + c;
        std::ptrdiff_t const exists = row < end ? in.channels - c : 0;
        x_tile(s).template fill<W>(k, u, in.x + at, exists);
        if (in.accumulates) old_tile(s).template fill<W>(k, u, in.x_gradient + at, exists);
        if (w < shape::blocks && in.u_gradient != nullptr)
          u_tile(s).template fill<W>(k, u, in.u_gradient + row / in.rows_per_token * in.channels + c, exists);
      }
      constexpr int units = shape::scores / E;
      for (int k = static_cast<int>(threadIdx.x); k < shape::rows * units; k += shape::threads)
        copy_async<16>(weights(s) + k * E,
                       in.weight + (top + k / units) * shape::tiling::padded + in.part * shape::scores + k % units * E,
                       top + k / units < end);
    }
    commit_copies();
  }

  /// The unit of columns that is number g of a product of 8 columns: the lanes of a row then store 64 bytes in a row.
  __device__ static int unit_of(int n) { return n / 2 + n % 2 * 4; }

  /// This lane's part of φ as the right factor: scores 8t + q and 8t + q + 4.
  __device__ void load_phi(T (&phi)[tiles][2][E]) const {
    std::ptrdiff_t const c = column + unit_of(g) * E;
    MHC_UNROLL for (int t = 0; t < tiles; ++t) MHC_UNROLL for (int h = 0; h < 2; ++h) {
      int const k = in.part * shape::scores + 8 * t + q + 4 * h;
      T const* const from = in.phi + k * length + stream * in.channels + c;
      MHC_UNROLL for (int e = 0; e < E; e += W) {
        auto const some = k < K && c + e + W <= in.channels ? load_pack<T, W>(from + e) : pack<T, W>{};
        MHC_UNROLL for (int w = 0; w < W; ++w) phi[t][h][e + w] = some.at[w];
      }
    }
  }

  /// x_gradient of 16 rows.
  __device__ void spread_weights(int s, T const (&phi)[tiles][2][E]) const {
    T sum[E][4] = {};
    T const* const w = weights(s);
    MHC_UNROLL for (int t = 0; t < tiles; ++t) {
      factors<T, 4> a;
      factors<T, 2> b[E];
      MHC_UNROLL for (int h = 0; h < 2; ++h) {
        a.set(2 * h, w[g * shape::scores + 8 * t + q + 4 * h]);
        a.set(2 * h + 1, w[(g + 8) * shape::scores + 8 * t + q + 4 * h]);
        MHC_UNROLL for (int e = 0; e < E; ++e) b[e].set(h, phi[t][h][e]);
      }
      multiply(sum, a, b);
    }
    MHC_UNROLL for (int h = 0; h < 2; ++h) {
      int const r = g + 8 * h;
      std::ptrdiff_t const row = begin + static_cast<std::ptrdiff_t>(s) * shape::rows + r;
      if (row >= end) continue;
      T const norm = first_part ? in.norm[row] : T(0);
      bool const direct = in.u_gradient != nullptr;
      int const i = P == 1 ? static_cast<int>(row % in.rows_per_token) : stream;
      T const h_pre = direct ? in.h_pre[row / in.rows_per_token * (P * in.rows_per_token) + i] : T(0);
      MHC_UNROLL for (int n = 0; n < 2; ++n) {
        int const u = q + 4 * n;
        unit result = in.accumulates ? old_tile(s).at(16 * warp + r, u) : unit{};
        unit const value = x_tile(s).at(16 * warp + r, u);
        unit const ug = direct ? u_tile(s).at(warp % shape::blocks * 16 + r, u) : unit{};
        MHC_UNROLL for (int e = 0; e < E; ++e) result.at[e] +=
            sum[e][2 * h + n] + (h_pre * ug.at[e] - norm * value.at[e]);
        store(result, column + u * E, in.x_gradient + row * length + stream * in.channels);
      }
    }
  }

  /// ∂φ += wᵀ x over 16 rows; the sums of a stage begin at zero.
  __device__ void gather(int s, T (&total)[halves][tiles][4]) const {
    T const* const w = weights(s);
    factors<T, 2> b[2][tiles];
    unit upper[2], lower[2];
    MHC_UNROLL for (int k = 0; k < 2; ++k) {
      upper[k] = x_tile(s).at(16 * warp + 8 * k + q, g);
      lower[k] = x_tile(s).at(16 * warp + 8 * k + q + 4, g);
      MHC_UNROLL for (int t = 0; t < tiles; ++t) MHC_UNROLL for (int h = 0; h < 2; ++h) b[k][t].set(
          h, w[(8 * k + q + 4 * h) * shape::scores + 8 * t + g]);
    }
    MHC_UNROLL for (int m = 0; m < halves; ++m) {
      T sum[tiles][4] = {};
      MHC_UNROLL for (int k = 0; k < 2; ++k) {
        factors<T, 4> a;
        MHC_UNROLL for (int h = 0; h < 2; ++h) {
          a.set(h, upper[k].at[2 * m + h]);
          a.set(2 + h, lower[k].at[2 * m + h]);
        }
        multiply(sum, a, b[k]);
      }
      MHC_UNROLL for (int t = 0; t < tiles; ++t) MHC_UNROLL for (int e = 0; e < 4; ++e) total[m][t][e] += sum[t][e];
    }
  }

  __device__ void write(T const (&total)[halves][tiles][4]) const {
    MHC_UNROLL for (int t = 0; t < tiles; ++t) MHC_UNROLL for (int n = 0; n < 2; ++n) {
      int const k = in.part * shape::scores + 8 * t + 2 * q + n;
      if (k >= K) continue;
      unit sum;
      MHC_UNROLL for (int e = 0; e < E; ++e) sum.at[e] = total[e / 2][t][e % 2 * 2 + n];
      store(sum, column + g * E, in.phi_partial + (split * K + k) * length + stream * in.channels);
    }
  }

  /// A unit to channel c of a stream, as far as the stream goes.
  __device__ void store(unit const& value, std::ptrdiff_t c, T* to) const {
    MHC_UNROLL for (int e = 0; e < E; e += W) {
      pack<T, W> some;
      MHC_UNROLL for (int w = 0; w < W; ++w) some.at[w] = value.at[e + w];
      if (c + e + W <= in.channels) store_pack(some, to + c + e);
    }
  }
};

template <int W, class T, int K, int P>
__global__ void __launch_bounds__(spread_shape<T, K, P>::threads) spread_kernel(spread_task<T> task) {
  std::ptrdiff_t const items = spread_shape<T, K, P>::groups(task.channels) * task.splits.count;
  for (std::ptrdiff_t item = blockIdx.x; item < items; item += gridDim.x)
    spread<W, T, K, P>(task, dynamic_shared_memory(), item).run();
}

/// ∂x and the parts of ∂φ, over as many scans as the scores take.
template <int W, class T, int K, int P>
void launch_spread(cuda::policy const& where, char const* operation, spread_task<T> task) {
  using shape = spread_shape<T, K, P>;
  for (task.part = 0; task.part < shape::tiling::parts; ++task.part) {
    launch(where, operation, spread_kernel<W, T, K, P>,
           {block_count(shape::groups(task.channels) * task.splits.count, 1), shape::threads, shape::shared_bytes},
           task);
    task.accumulates = true;
    task.u_gradient = nullptr;
  }
}

}  // namespace mhc::detail
