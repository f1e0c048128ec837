// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/ops/copies.cuh>
#include <mhc/ops/device.cuh>
#include <mhc/ops/gates/spread_shape.cuh>
#include <mhc/ops/mma.cuh>
#include <mhc/ops/packs.cuh>

#include <cstddef>

/// @file
/// With the weights w of every row and score: ∂x = H_preᵀ ∂u + w φ − norm x, and a split of the rows' share of
/// ∂φ = wᵀ x, in one scan of x by the matrix units. A block has a few channels of all streams and walks down its rows, 16
/// at a time; each warp keeps 128 bytes of every row of φ in shared memory, and the sums for as many of its gradient in
/// registers. Two blocks share a multiprocessor: neither can spare more of either.

namespace mhc::detail {

/// One block's share. W elements of a stream are moved at once.
template <int W, class S, int K, int P, bool Accumulates, bool Short>
struct spread {
  using T = coefficient_t<S>;
  using shape = spread_shape<S, K, P, Accumulates, Short>;
  using streams = stream_tile<S>;
  using tile = shared_tile<T>;
  using unit = typename tile::unit;
  using weights = typename shape::weights;
  static constexpr int tiles = shape::tiling::tiles, E = tile::elements, halves = E / 2, phi_width = W == 1 ? 1 : E;

  spread_task<S> const& in;
  unsigned char* memory;
  int warp, g, q, stream;
  bool first_part;
  std::ptrdiff_t length, split, begin, end, first_column;

  __device__ spread(spread_task<S> const& task, unsigned char* shared, std::ptrdiff_t item) : in(task), memory(shared) {
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
    first_column = group * shape::blocks * tile::columns;
  }

  __device__ void run() const {
    T total[halves][tiles][4] = {};
    fill_phi();
    int const count = static_cast<int>((end - begin + shape::rows - 1) / shape::rows);
    for (int s = 0; s < shape::stages - 1; ++s) fill(s, count);
    for (int s = 0; s < count; ++s) {
      wait_for_copies<shape::stages - 2>();
      __syncthreads();
      fill(s + shape::stages - 1, count);
      if (column() >= in.channels) continue;
      spread_weights(s);
      gather(s, total);
    }
    if (column() < in.channels) write(total);
    __syncthreads();
  }

 private:
  /// The warp's first channel.
  __device__ std::ptrdiff_t column() const { return first_column + warp % shape::blocks * tile::columns; }

  __device__ tile phi_tile() const { return {memory}; }
  __device__ unsigned char* stage(int s) const {
    return memory + shape::phi_bytes + s % shape::stages * shape::stage_bytes;
  }
  __device__ streams u_tile(int s) const { return {stage(s)}; }
  __device__ streams x_tile(int s) const { return {stage(s) + shape::u_bytes}; }
  __device__ streams old_tile(int s) const { return {x_tile(s).memory + shape::x_bytes}; }
  __device__ T* weight_rows(int s) const {
    return reinterpret_cast<T*>(stage(s) + shape::stage_bytes - shape::weight_bytes);
  }

  /// Begins to copy the warps' parts of φ, with the first stage.
  __device__ void fill_phi() const {
    int const u = static_cast<int>(threadIdx.x % tile::units);
    for (unsigned r = threadIdx.x / tile::units; r < shape::warps * weights::scores;
         r += shape::threads / tile::units) {
      unsigned const w = r / weights::scores;
      int const k = in.part * weights::scores + static_cast<int>(r % weights::scores);
      std::ptrdiff_t const c = first_column + w % shape::blocks * tile::columns + u * E;
      phi_tile().template fill<phi_width>(static_cast<int>(r), u,
                                          in.phi + k * length + w / shape::blocks * in.channels + c,
                                          k < K ? in.channels - c : 0);
    }
  }

  /// Begins to copy 16 rows of x, of ∂u, of what is in x_gradient already, and of weights.
  __device__ void fill(int s, int count) const {
    if (s < count) {
      std::ptrdiff_t const top = begin + static_cast<std::ptrdiff_t>(s) * shape::rows;
      int const u = static_cast<int>(threadIdx.x % streams::units);
      _Pragma("unroll 1") for (unsigned r = threadIdx.x / streams::units; r < 16 * shape::warps;
                               r += shape::threads / streams::units) fill_unit(s, static_cast<int>(r), u, top);
      fill_weights(s, top);
    }
    commit_copies();
  }

  /// Unit u of row r of the stage's tile of x.
  __device__ void fill_unit(int s, int r, int u, std::ptrdiff_t top) const {
    int const w = r / 16;
    std::ptrdiff_t const row = top + r % 16;
    std::ptrdiff_t const c = first_column + w % shape::blocks * streams::columns + u * streams::elements;
    std::ptrdiff_t const at = row * length + w / shape::blocks * in.channels + c;
    std::ptrdiff_t const exists = row < end ? in.channels - c : 0;
    x_tile(s).template fill<W>(r, u, in.x + at, exists);
    if constexpr (shape::keeps_old) old_tile(s).template fill<W>(r, u, in.x_gradient + at, exists);
    if (w >= shape::blocks || in.u_gradient == nullptr) return;
    std::ptrdiff_t const token = in.rows_per_token == 1 ? row : row / in.rows_per_token;
    u_tile(s).template fill<W>(r, u, in.u_gradient + token * in.channels + c, exists);
  }

  __device__ void fill_weights(int s, std::ptrdiff_t top) const {
    constexpr int units = weights::values / E, behind = (weights::pitch - weights::norm) / E, all = units + behind;
    for (int k = static_cast<int>(threadIdx.x); k < shape::rows * all; k += shape::threads) {
      int const r = k / all, u = k % all;
      int const from = (u < units ? in.part * weights::values : weights::norm - weights::values) + u * E;
      copy_async<16>(weight_rows(s) + r * weights::shared_pitch + u * E, in.weight + (top + r) * weights::pitch + from,
                     top + r < end);
    }
  }

  /// The pieces of weight k of row r.
  __device__ auto weight(int s, int r, int k) const {
    return *reinterpret_cast<pack<T, pieces<T>> const*>(weight_rows(s) + r * weights::shared_pitch + k * pieces<T>);
  }

  /// The eighth of columns that is number n of a product of 8 columns: lane q gets numbers 2q and 2q + 1.
  __device__ static int eighth_of(int n) { return streams::eighth_of(n / 2, n % 2); }

  /// x_gradient of 16 rows.
  __device__ void spread_weights(int s) const {
    T sum[E][4] = {};
    MHC_UNROLL for (int t = 0; t < tiles; ++t) {
      factors<T, 4> a;
      factors<T, 2> b[E];
      MHC_UNROLL for (int h = 0; h < 2; ++h) {
        MHC_UNROLL for (int r = 0; r < 2; ++r) a.set(2 * h + r, weight(s, g + 8 * r, 8 * t + q + 4 * h).at);
        unit const phi = phi_tile().at(warp * weights::scores + 8 * t + q + 4 * h, eighth_of(g));
        MHC_UNROLL for (int e = 0; e < E; ++e) b[e].set(h, phi.at[e]);
      }
      multiply(sum, a, b);
    }
    T const* const behind = weight_rows(s) + weights::values;
    bool const direct = in.u_gradient != nullptr;
    MHC_UNROLL for (int h = 0; h < 2; ++h) {
      int const r = g + 8 * h;
      std::ptrdiff_t const row = begin + static_cast<std::ptrdiff_t>(s) * shape::rows + r;
      if (row >= end) continue;
      T const norm = first_part ? behind[r * weights::shared_pitch] : T(0);
      T const h_pre = direct ? behind[r * weights::shared_pitch + 1 + stream] : T(0);
      pack<T, streams::elements> result{};  // one after the other of the lane's units
      MHC_UNROLL for (int n = 0; n < 2; ++n) {
        int const first = n * E % streams::elements;
        auto const value = x_tile(s).template eighth_of_lane<T>(16 * warp + r, q, n);
        unit const ug = direct ? u_tile(s).template eighth_of_lane<T>(warp % shape::blocks * 16 + r, q, n) : unit{};
        unit old{};
        if constexpr (shape::keeps_old)
          old = old_tile(s).template eighth_of_lane<T>(16 * warp + r, q, n);
        else if constexpr (Accumulates)
          old = load(column() + streams::eighth_of(q, n) * E, in.x_gradient + row * length + stream * in.channels);
        MHC_UNROLL for (int e = 0; e < E; ++e) result.at[first + e] =
            old.at[e] + (sum[e][2 * h + n] + (h_pre * ug.at[e] - norm * value.at[e]));
        if (first + E == streams::elements)
          store(result, column() + streams::eighth_of(q, n) * E - first,
                in.x_gradient + row * length + stream * in.channels);
      }
    }
  }

  /// ∂φ += wᵀ x over 16 rows; the sums of a stage begin at zero.
  __device__ void gather(int s, T (&total)[halves][tiles][4]) const {
    T sum[halves][tiles][4] = {};
    MHC_UNROLL for (int k = 0; k < 2; ++k) {
      unit const upper = x_tile(s).template eighth<T>(16 * warp + 8 * k + q, g);
      unit const lower = x_tile(s).template eighth<T>(16 * warp + 8 * k + q + 4, g);
      factors<T, 2> b[tiles];
      MHC_UNROLL for (int t = 0; t < tiles; ++t) MHC_UNROLL for (int h = 0; h < 2; ++h) b[t].set(
          h, weight(s, 8 * k + q + 4 * h, 8 * t + g).at);
      MHC_UNROLL for (int m = 0; m < halves; ++m) {
        factors<S, 4> a;
        MHC_UNROLL for (int h = 0; h < 2; ++h) {
          a.set(h, upper.at[2 * m + h]);
          a.set(2 + h, lower.at[2 * m + h]);
        }
        multiply(sum[m], a, b);
      }
    }
    MHC_UNROLL for (int m = 0; m < halves; ++m) MHC_UNROLL for (int t = 0; t < tiles; ++t)
        MHC_UNROLL for (int e = 0; e < 4; ++e) total[m][t][e] += sum[m][t][e];
  }

  __device__ void write(T const (&total)[halves][tiles][4]) const {
    MHC_UNROLL for (int t = 0; t < tiles; ++t) MHC_UNROLL for (int n = 0; n < 2; ++n) {
      int const k = in.part * weights::scores + 8 * t + 2 * q + n;
      if (k >= K) continue;
      unit sum;
      MHC_UNROLL for (int e = 0; e < E; ++e) sum.at[e] = total[e / 2][t][e % 2 * 2 + n];
      store(sum, column() + g * E, in.phi_partial + (split * K + k) * length + stream * in.channels);
    }
  }

  /// Neighbours to channel c of a stream, as far as the stream goes.
  template <int Count, class To>
  __device__ void store(pack<T, Count> const& value, std::ptrdiff_t c, To* to) const {
    constexpr int step = W == 1 ? 1 : Count;
    MHC_UNROLL for (int e = 0; e < Count; e += step) {
      pack<T, step> some;
      MHC_UNROLL for (int w = 0; w < step; ++w) some.at[w] = value.at[e + w];
      if (c + e + step <= in.channels) store_pack(some, to + c + e);
    }
  }

  /// An eighth of a row, from channel c of a stream on, as far as the stream goes.
  __device__ unit load(std::ptrdiff_t c, S const* from) const {
    constexpr int step = W == 1 ? 1 : E;
    unit value{};
    MHC_UNROLL for (int e = 0; e < E; e += step) {
      if (c + e + step > in.channels) continue;
      auto const some = load_pack<T, step>(from + c + e);
      MHC_UNROLL for (int w = 0; w < step; ++w) value.at[e + w] = some.at[w];
    }
    return value;
  }
};

template <int W, class S, int K, int P, bool Accumulates, bool Short>
__global__ void __launch_bounds__(spread_shape<S, K, P, Accumulates, Short>::threads, sizeof(S) <= 4 ? 2 : 1)
    spread_kernel(spread_task<S> task) {
  using shape = spread_shape<S, K, P, Accumulates, Short>;
  std::ptrdiff_t const items = shape::groups(task.channels) * task.splits.count;
  for (std::ptrdiff_t item = blockIdx.x; item < items; item += gridDim.x)
    spread<W, S, K, P, Accumulates, Short>(task, dynamic_shared_memory(), item).run();
}

template <int W, class S, int K, int P, bool Accumulates, bool Short = false>
void launch_spread_part(cuda::policy const& where, char const* operation, spread_task<S> const& task) {
  using shape = spread_shape<S, K, P, Accumulates, Short>;
  if constexpr (!Short && shape::shared_bytes > least_shared_memory)
    if (!has_shared_memory(operation, shape::shared_bytes))
      return launch_spread_part<W, S, K, P, Accumulates, true>(where, operation, task);
  static_assert(!Short || shape::shared_bytes <= least_shared_memory);
  launch(where, operation, spread_kernel<W, S, K, P, Accumulates, Short>,
         {block_count(shape::groups(task.channels) * task.splits.count, 1), shape::threads, shape::shared_bytes}, task);
}

/// ∂x and the parts of ∂φ, over as many scans as the scores take; `accumulates`: x_gradient is added to.
template <int W, class S, int K, int P>
void launch_spread(cuda::policy const& where, char const* operation, spread_task<S> task, bool accumulates) {
  for (task.part = 0; task.part < weight_row<coefficient_t<S>, K, P>::tiling::parts; ++task.part) {
    if (accumulates || task.part > 0)
      launch_spread_part<W, S, K, P, true>(where, operation, task);
    else
      launch_spread_part<W, S, K, P, false>(where, operation, task);
    task.u_gradient = nullptr;
  }
}

}  // namespace mhc::detail
