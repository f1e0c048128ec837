// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/cluster.cuh>
#include <mhc/ops/copies.cuh>
#include <mhc/ops/device.cuh>
#include <mhc/ops/gates/scan.cuh>
#include <mhc/ops/gates/scores.cuh>
#include <mhc/ops/mix_pre/types.hpp>
#include <mhc/ops/mma.cuh>
#include <mhc/ops/packs.cuh>
#include <mhc/ops/tiles.hpp>

#include <cstddef>

/// @file
/// `coefficients`, `pre` and `mix_pre` in one launch. A cluster of eight blocks has 16 tokens, or twice as many, a warp of
/// each every 64th column block of 32 channels, of all streams, in registers: it mixes them where they are to be mixed,
/// and multiplies them with φ. The sums of the warps meet in shared memory, and those of the blocks in each other's. Then
/// every block knows H_pre of all tokens and takes u of its own channels, read again while they are in cache; and its last
/// warp takes the coefficients of its share of the tokens, so that nobody waits for the projection.
///
/// Sums are cut by the number of channels alone, and tokens do not meet: a token has the same bits in any batch that goes
/// this way.

namespace mhc::detail {

/// Of a cluster with 16·M tokens.
template <class Kind, class S, int M>
struct together_shape {
  using T = coefficient_t<S>;
  using tiling = score_tiling<Kind::scores_per_row, 5>;
  static constexpr int N = Kind::streams, ranks = cluster_ranks, warps = 8, threads = 32 * warps, tokens = 16 * M;
  static constexpr int pitch = columns_of<Kind>::pitch + 1;  ///< of a token's sums; odd: no bank conflicts
  static constexpr int sums = tokens * pitch, mixing = tokens * (N * N + N);
  static constexpr int elements = (warps + 2) * sums + tokens * N + mixing;
  static constexpr int shared_bytes = elements * static_cast<int>(sizeof(T));
};

/// Whether there is one launch for a kind: if it normalises all streams of a token together, in float, with few enough
/// scores, whose φ is read as it is.
template <class Kind, class S>
inline constexpr bool fits_together = !has_phi_element<Kind> && Kind::rows == 1 && Kind::scores_per_row > 0 &&
                                      score_tiling<Kind::scores_per_row, 5>::parts == 1 &&
                                      sizeof(coefficient_t<S>) == 4;

/// One block's part of 16·M tokens. W elements of a stream are moved at once; `Mixes`: x is mixed first.
template <int W, bool Mixes, int M, class Kind, class S>
struct together {
  using T = coefficient_t<S>;
  using shape = together_shape<Kind, S, M>;
  using streams = stream_tile<S>;
  using tile = shared_tile<T>;
  static constexpr int N = Kind::streams, K = Kind::scores_per_row, tiles = shape::tiling::tiles, ranks = shape::ranks;
  static constexpr int E = tile::elements, lane_columns = 2 * E;  ///< of a column block
  using columns = pack<T, lane_columns>;
  static constexpr int stride = ranks * shape::warps;  ///< column blocks from one of a warp to its next

  mix_pre_arguments<Kind, S> const& in;
  T* memory;
  std::ptrdiff_t first;
  int count, rank, warp, g, q;

  __device__ together(mix_pre_arguments<Kind, S> const& arguments, T* shared, std::ptrdiff_t item)
      : in(arguments), memory(shared), first(item / ranks * shape::tokens) {
    std::ptrdiff_t const left = in.x.size - first;
    count = left < shape::tokens ? static_cast<int>(left) : shape::tokens;
    rank = static_cast<int>(item % ranks);
    warp = static_cast<int>(threadIdx.x) / 32;
    g = static_cast<int>(threadIdx.x) % 32 / 4;
    q = static_cast<int>(threadIdx.x) % 4;
  }

  __device__ void run() const {
    if constexpr (Mixes) fetch_mixing();
    multiply_columns();
    __syncthreads();
    for (int k = static_cast<int>(threadIdx.x); k < shape::sums; k += shape::threads) {
      T sum = part(0)[k];
      MHC_UNROLL for (int w = 1; w < shape::warps; ++w) sum += part(w)[k];
      mine()[k] = sum;
    }
    cluster_arrive();
    cluster_wait();
    for (int k = static_cast<int>(threadIdx.x); k < shape::sums; k += shape::threads) {
      T sum = of_rank(mine() + k, 0);
      MHC_UNROLL for (int r = 1; r < ranks; ++r) sum += of_rank(mine() + k, r);
      total()[k] = sum;
    }
    cluster_arrive();
    __syncthreads();
    finish_pre();
    __syncthreads();
    if (warp == shape::warps - 1)
      finish_others();
    else if (in.next.u.data != nullptr)
      aggregate_columns();
    cluster_wait();  // until nobody reads this block's sums
  }

 private:
  // A token's sums: 8·tiles scores, and the square of its norm behind them.
  __device__ T* part(int w) const { return memory + w * shape::sums; }
  __device__ T* mine() const { return part(shape::warps); }
  __device__ T* total() const { return mine() + shape::sums; }
  __device__ T* h_pre() const { return total() + shape::sums; }
  __device__ T* mixing() const { return h_pre() + shape::tokens * N; }

  /// H_res and H_post of the tokens.
  __device__ void fetch_mixing() const {
    for (int k = static_cast<int>(threadIdx.x); k < count * N * N; k += shape::threads)
      mixing()[k / (N * N) * (N * N + N) + k % (N * N)] = in.h_res.data[first * N * N + k];
    for (int k = static_cast<int>(threadIdx.x); k < count * N; k += shape::threads)
      mixing()[k / N * (N * N + N) + N * N + k % N] = in.h_post.data[first * N + k];
    __syncthreads();
  }

  /// The columns that a lane has of a column block, as one or two runs of neighbours: body(first of them, column).
  template <class Body>
  __device__ void for_runs(std::ptrdiff_t block, Body const& body) const {
    constexpr int runs = streams::units == 8 ? 2 : 1, length = lane_columns / runs, step = W == 1 ? 1 : length;
    MHC_UNROLL for (int r = 0; r < runs; ++r) MHC_UNROLL for (int e = 0; e < length; e += step) {
      std::ptrdiff_t const c = block * tile::columns + streams::eighth_of(q, r) * E + e;
      if (c < in.x.channels) body.template operator()<step>(r * length + e, c);
    }
  }

  __device__ columns load(S const* row, std::ptrdiff_t block, bool exists) const {
    columns a{};
    if (exists)
      for_runs(block, [&]<int Step>(int e, std::ptrdiff_t c) {
        auto const some = load_pack<T, Step>(row + c);
        MHC_UNROLL for (int k = 0; k < Step; ++k) a.at[e + k] = some.at[k];
      });
    return a;
  }
  __device__ void store(columns const& a, S* row, std::ptrdiff_t block) const {
    for_runs(block, [&]<int Step>(int e, std::ptrdiff_t c) {
      pack<T, Step> some;
      MHC_UNROLL for (int k = 0; k < Step; ++k) some.at[k] = a.at[e + k];
      store_pack(some, row + c);
    });
  }

  /// Half of those columns of row k of φ, beside stream i.
  __device__ pack<T, E> load_phi(int k, int i, std::ptrdiff_t block, int half) const {
    pack<T, E> a{};
    constexpr int step = W == 1 ? 1 : E;
    std::ptrdiff_t const c = block * tile::columns + streams::eighth_of(q, half) * E;
    T const* const from = in.parameters.phi + (static_cast<std::ptrdiff_t>(k) * N + i) * in.x.channels + c;
    MHC_UNROLL for (int e = 0; e < E; e += step) {
      if (k >= K || c + e >= in.x.channels) continue;
      auto const some = load_pack<T, step>(from + e);
      MHC_UNROLL for (int w = 0; w < step; ++w) a.at[e + w] = some.at[w];
    }
    return a;
  }

  /// The warp's sums over its columns, those of each column block beginning at zero.
  __device__ void multiply_columns() const {
    T all[M][tiles][4] = {}, square[2 * M] = {};
    std::ptrdiff_t const blocks = (in.x.channels + tile::columns - 1) / tile::columns;
    for (std::ptrdiff_t block = rank * shape::warps + warp; block < blocks; block += stride) {
      T sum[M][tiles][4] = {}, norm[2 * M] = {};
      columns x[2 * M][Mixes ? N : 1];  // of tokens g, g + 8, …
      if constexpr (Mixes) MHC_UNROLL for (int h = 0; h < 2 * M; ++h) mix_columns(g + 8 * h, block, x[h]);
      MHC_UNROLL for (int i = 0; i < N; ++i) {
        columns stream[2 * M];
        MHC_UNROLL for (int h = 0; h < 2 * M; ++h) {
          int const token = g + 8 * h;
          stream[h] = Mixes ? x[h][Mixes ? i : 0] : load(row(in.x, token, i), block, token < count);
        }
        multiply_stream(i, block, stream, sum, norm);
      }
      MHC_UNROLL for (int m = 0; m < M; ++m) MHC_UNROLL for (int t = 0; t < tiles; ++t)
          MHC_UNROLL for (int e = 0; e < 4; ++e) all[m][t][e] += sum[m][t][e];
      MHC_UNROLL for (int h = 0; h < 2 * M; ++h) square[h] += norm[h];
    }
    MHC_UNROLL for (int h = 0; h < 2 * M; ++h) {
      square[h] += __shfl_xor_sync(0xffffffffu, square[h], 1);
      square[h] += __shfl_xor_sync(0xffffffffu, square[h], 2);
      T* const to = part(warp) + (g + 8 * h) * shape::pitch;
      MHC_UNROLL for (int t = 0; t < tiles; ++t) MHC_UNROLL for (int n = 0; n < 2; ++n) to[8 * t + 2 * q + n] =
          all[h / 2][t][h % 2 * 2 + n];
      if (q == 0) to[columns_of<Kind>::square] = square[h];
    }
  }

  template <class U>
  __device__ U* row(stream_view<U, N> of, int token, int i) const {
    return of.data + ((first + token) * N + i) * of.channels;
  }

  /// x' of one token.
  __device__ void mix_columns(int token, std::ptrdiff_t block, columns (&x)[N]) const {
    bool const exists = token < count;
    MHC_UNROLL for (int i = 0; i < N; ++i) x[i] = load(row(in.x, token, i), block, exists);
    auto const y = load(in.y.data + (first + token) * in.y.channels, block, exists);
    if (!exists) return;
    auto const* const h = mixing() + token * (N * N + N);
    auto const res = load_row<math::tile<T, N>>(h, 0);
    auto const post = load_row<math::vec<T, N>>(h + N * N, 0);
    MHC_UNROLL for (int e = 0; e < lane_columns; ++e) {
      math::vec<T, N> column;
      MHC_UNROLL for (int i = 0; i < N; ++i) column[i] = x[i].at[e];
      column = math::mix(res, post, column, y.at[e]);
      MHC_UNROLL for (int i = 0; i < N; ++i) x[i].at[e] = static_cast<T>(static_cast<S>(column[i]));  // as it is stored
    }
    MHC_UNROLL for (int i = 0; i < N; ++i) store(x[i], row(in.x_next, token, i), block);
  }

  __device__ void multiply_stream(int i, std::ptrdiff_t block, columns const (&x)[2 * M], T (&sum)[M][tiles][4],
                                  T (&norm)[2 * M]) const {
    MHC_UNROLL for (int half = 0; half < 2; ++half) {
      pack<T, E> phi[tiles];
      MHC_UNROLL for (int t = 0; t < tiles; ++t) phi[t] = load_phi(8 * t + g, i, block, half);
      MHC_UNROLL for (int h = 0; h < 2 * M; ++h) MHC_UNROLL for (int e = half * E; e < half * E + E; ++e) norm[h] +=
          x[h].at[e] * x[h].at[e];
      MHC_UNROLL for (int e = 0; e < E; e += 2) {  // which of the columns meet does not matter
        factors<T, 2> b[tiles];
        MHC_UNROLL for (int k = 0; k < 2; ++k) MHC_UNROLL for (int t = 0; t < tiles; ++t) b[t].set(k, phi[t].at[e + k]);
        MHC_UNROLL for (int m = 0; m < M; ++m) {
          factors<S, 4> a;
          MHC_UNROLL for (int k = 0; k < 2; ++k) MHC_UNROLL for (int h = 0; h < 2; ++h)
              a.set(2 * k + h, x[2 * m + h].at[half * E + e + k]);
          multiply(sum[m], a, b);
        }
      }
    }
  }

  __device__ device_token_scores<Kind, T> scores(int token) const {
    auto const* const sums = reinterpret_cast<T const(*)[shape::pitch]>(total() + token * shape::pitch);
    return {in.kind, sums, N * in.x.channels};
  }
  __device__ math::vec<T, Kind::outputs> gate(device_token_scores<Kind, T> const& s) const {
    return in.kind.gate(s.score, in.parameters.alpha, in.parameters.bias);
  }

  /// H_pre of all tokens; what else the gate computes is not used, and not computed.
  __device__ void finish_pre() const {
    int const token = static_cast<int>(threadIdx.x);
    if (token >= count) return;
    auto const h = gate(scores(token));
    MHC_UNROLL for (int i = 0; i < N; ++i) h_pre()[token * N + i] = h[i];
    if (token / (shape::tokens / ranks) == rank)
      MHC_UNROLL for (int i = 0; i < N; ++i) in.next.h_pre.data[(first + token) * N + i] = h[i];
  }

  /// H_post and H_res of this block's share of the tokens, and the scores where they are kept.
  __device__ void finish_others() const {
    constexpr int share = shape::tokens / ranks;
    int const lane = static_cast<int>(threadIdx.x) % 32, token = rank * share + lane;
    if (lane >= share || token >= count) return;
    std::ptrdiff_t const b = first + token;
    auto const s = scores(token);
    if (in.next.scores.data != nullptr) s.keep(in.next.scores.token(b));
    if constexpr (Kind::outputs > N) {
      auto const h = gate(s);
      MHC_UNROLL for (int i = 0; i < N; ++i) in.next.h_post.data[b * N + i] = h[N + i];
      MHC_UNROLL for (int k = 0; k < N * N; ++k) in.next.h_res.data[b * N * N + k] = h[2 * N + k];
    }
  }

  /// u of the block's channels.
  __device__ void aggregate_columns() const {
    constexpr int width = shape::warps * tile::columns, units = width / W, threads = shape::threads - 32;
    std::ptrdiff_t const stretch = static_cast<std::ptrdiff_t>(stride) * tile::columns;
    for (std::ptrdiff_t begin = rank * width; begin < in.x.channels; begin += stretch)
      for (int k = static_cast<int>(threadIdx.x); k < count * units; k += threads) {
        int const token = k / units;
        std::ptrdiff_t const c = begin + k % units * W;
        if (c >= in.x.channels) continue;
        auto const h = load_row<math::vec<T, N>>(h_pre(), token);
        S const* const from = Mixes ? row(in.x_next, token, 0) : row(in.x, token, 0);
        auto const column = load_columns<T, N, W>(from + c, in.x.channels);
        pack<T, W> sum;
        MHC_UNROLL for (int w = 0; w < W; ++w) sum.at[w] = math::aggregate(h, column.at[w]);
        store_pack(sum, in.next.u.token(first + token) + c);
      }
  }
};

}  // namespace mhc::detail
