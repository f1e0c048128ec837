// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/core/elements.hpp>
#include <mhc/ops/copies.cuh>
#include <mhc/ops/device.cuh>
#include <mhc/ops/gates/scan.cuh>
#include <mhc/ops/mma.cuh>
#include <mhc/ops/packs.cuh>

#include <cstddef>

/// @file
/// The scan of streams of bfloat16: what `scan` does, in instructions for such numbers. x goes from shared memory to the
/// matrix units as it is; φ in three pieces, which hold all its bits, or two, cut once for all of a block's rows. |x|² and
/// ∂u·x are diagonals of products of rows with rows, so that x is never converted. Products are exact: sums alone are
/// rounded, by the matrix units within a stage, which begins at zero, and to nearest from stage to stage.

namespace mhc::detail {

/// 16-byte units of a row in a stage, 4 or 8.
inline constexpr int bfloat16_scan_units = 4;

/// How it is cut up: as scan_shape says. With 4 units, stages go by twos: the second reads from L2 what the first brought.
template <int K, int P, bool Dots, int M, int Pieces, int Units = bfloat16_scan_units>
struct bfloat16_scan_shape {
  using tiling = score_tiling<K, 5>;
  using tile = matrix_tile<Units>;  ///< of x, of ∂u, and of the pieces of φ
  static constexpr int warps = 8, threads = 32 * warps, rows = 16 * M * warps;
  static constexpr int halves = 8 / Units;  ///< stages of 64 columns of a stream
  static constexpr int stages = Units == 8 && Dots ? 3 : 4;
  static constexpr int scores = 8 * tiling::tiles;
  static constexpr int quads = tile::columns / 4, all_quads = scores * quads;  ///< of floats, in a row of φ, and in all
  static constexpr int x_bytes = rows * tile::row_bytes, phi_bytes = all_quads * 16;
  static constexpr int piece_bytes = Pieces * scores * tile::row_bytes;
  static constexpr int u_slots = halves == 2 ? 4 : P >= stages ? 2 : P == 1 ? stages : 3;  ///< column blocks at once
  static constexpr int shared_bytes = stages * (x_bytes + phi_bytes) + 2 * piece_bytes + (Dots ? u_slots * x_bytes : 0);
  static constexpr int per_multiprocessor = !Dots && (M == 1 || Units == 4) ? 2 : 1;  ///< blocks that have room

  MHC_HD static constexpr std::ptrdiff_t items(std::ptrdiff_t all_rows, scan_chunks const& chunks) {
    return (all_rows + rows - 1) / rows * chunks.count * tiling::parts;
  }
};

/// One block's part. W elements of a stream are moved at once.
template <int W, int K, int P, bool Dots, int M, int Pieces, int Units>
struct bfloat16_scan {
  using shape = bfloat16_scan_shape<K, P, Dots, M, Pieces, Units>;
  using tile = typename shape::tile;
  static constexpr int tiles = shape::tiling::tiles, stages = shape::stages, halves = shape::halves;

  scan_task<bfloat16> const& in;
  unsigned char* memory;
  unsigned item;
  std::ptrdiff_t first_row, first_column;
  int rows, columns, count;  ///< rows and columns that exist; stages

  // Of the thread: what it copies first of a stage, from where and to where, and where its pieces of φ go.
  bfloat16 const* x_from;
  float const* phi_from;
  int thread, top, left, score, phi_left, x_at, piece_at;

  // What it tells load_matrices: see there.
  int first_at, second_at, seconds_at;

  __device__ bfloat16_scan(scan_task<bfloat16> const& task, unsigned char* shared, unsigned number)
      : in(task), memory(shared), item(number) {
    thread = static_cast<int>(forgotten(threadIdx.x) % shape::threads);
    auto const at = place_of(item);
    first_row = at.first_row;
    rows = in.rows - first_row < shape::rows ? static_cast<int>(in.rows - first_row) : shape::rows;
    std::ptrdiff_t const most = in.chunks.per_chunk * shared_tile<float>::columns;
    first_column = at.chunk * most;
    columns = static_cast<int>(in.channels - first_column < most ? in.channels - first_column : most);
    count = (columns + 63) / 64 * P * halves;

    top = thread / Units;
    left = thread % Units * tile::elements;
    x_from = in.x + ((first_row + top) * (P * in.channels) + first_column + left);
    x_at = tile::at(top, thread % Units);
    score = at.first_score + thread / shape::quads;
    phi_left = thread % shape::quads * 4;
    phi_from = in.phi + (score * (P * in.channels) + first_column + phi_left);
    piece_at = tile::at(thread / shape::quads, phi_left / 8) + phi_left % 8 * 2;

    first_at = tile::at(lane() % 16, lane() / 16);
    second_at = tile::at(lane() / 16 * 8 + lane() % 8, lane() / 8 % 2);
    seconds_at = tile::at(lane() % 8, lane() / 8);
  }

  __device__ void run() const {
    float total[M][tiles][4] = {}, square[2 * M] = {}, dots[P][2 * M] = {};
    bool const has_rows = first_of_warp() < rows;
    fill_phi(0);
    commit_copies();
    for (int s = 0; s < stages - 1; ++s) fill(s);
    wait_for_copies<stages - 1>();
    cut_phi(0);
    for (int s = 0; s < count; ++s) {
      wait_for_copies<stages - 2>();
      __syncthreads();
      fill(s + stages - 1);
      if (has_rows) multiply_stage(s, total, square, dots);
      cut_phi(s + 1);  // nobody reads these pieces before the next barrier, nor those in their place since the last
    }
    if (has_rows) {
      keep_diagonal(square);
      MHC_UNROLL for (int i = 0; i < P; ++i) keep_diagonal(dots[i]);
      auto const at = place_of(forgotten(item));
      write_scan<K, Dots>(in, lane(), at.chunk, at.first_row + first_of_warp(), at.first_score, total, square, dots);
    }
    __syncthreads();
  }

 private:
  struct place {
    std::ptrdiff_t first_row;
    int chunk, first_score;
  };
  __device__ place place_of(unsigned number) const {
    auto const chunks = static_cast<unsigned>(in.chunks.count);
    unsigned const part = number % shape::tiling::parts, rest = number / shape::tiling::parts;
    return {static_cast<std::ptrdiff_t>(rest / chunks) * shape::rows, static_cast<int>(rest % chunks),
            static_cast<int>(part) * shape::scores};
  }

  __device__ int lane() const { return thread % 32; }
  __device__ int first_of_warp() const { return thread / 32 * 16 * M; }

  // Stage s: columns of a stream; 64 of them are followed by those of the next stream.
  __device__ static int stream(int s) { return s / halves % P; }
  __device__ static int block(int s) { return s / (halves * P) * halves + s % halves; }
  __device__ static int column(int s) { return block(s) * tile::columns; }  ///< of the chunk

  __device__ unsigned char* x_tile(int s) const { return memory + s % stages * shape::x_bytes; }
  __device__ unsigned char* raw_phi(int s) const {
    return memory + stages * shape::x_bytes + s % stages * shape::phi_bytes + thread * 16;
  }
  __device__ unsigned char* piece_tile(int s) const {
    return memory + stages * (shape::x_bytes + shape::phi_bytes) + s % 2 * shape::piece_bytes;
  }
  __device__ unsigned char* u_tile(int s) const {
    return memory + stages * (shape::x_bytes + shape::phi_bytes) + 2 * shape::piece_bytes +
           block(s) % shape::u_slots * shape::x_bytes;
  }

  /// Begins to copy stage s of x, and of φ, which has to be cut in time, stage s + 1.
  __device__ void fill(int s) const {
    if (s < count) {
      fill_streams(s);
      fill_phi(s + 1);
    }
    commit_copies();
  }

  /// Rows that do not exist stay what they were: nobody looks at what becomes of them.
  __device__ void fill_streams(int s) const {
    constexpr int step = shape::threads / Units;
    int const exists = columns - column(s) - left;
    bfloat16 const* from = x_from + (stream(s) * in.channels + column(s));
    MHC_UNROLL for (int r = 0; r < shape::rows; r += step) {
      if (top + r < rows) fill_unit(x_tile(s) + x_at + r * tile::row_bytes, from, exists);
      from += step * P * in.channels;
    }
    if constexpr (Dots)
      if (stream(s) == 0) MHC_UNROLL for (int r = 0; r < shape::rows; r += step) {
          std::ptrdiff_t const row = first_row + top + r,
                               token = in.rows_per_token == 1 ? row : row / in.rows_per_token;
          if (top + r < rows)
            fill_unit(u_tile(s) + x_at + r * tile::row_bytes,
                      in.u_gradient + (token * in.channels + first_column + column(s) + left), exists);
        }
  }
  __device__ static void fill_unit(unsigned char* to, bfloat16 const* from, int exists) {
    MHC_UNROLL for (int e = 0; e < tile::elements; e += W)
        copy_async<2 * W, halves == 2>(to + 2 * e, from + e, e + W <= exists);
  }

  /// body(k) for those of the thread's quads of φ that exist; k counts rows and threads.
  template <class Body>
  __device__ void for_quads(Body const& body) const {
    MHC_UNROLL for (int k = 0; k < (shape::all_quads + shape::threads - 1) / shape::threads; ++k) {
      if (k * shape::threads + thread < shape::all_quads) body(k);
    }
  }
  static constexpr int next_score = shape::threads / shape::quads;

  /// A thread copies what it will cut.
  __device__ void fill_phi(int s) const {
    if (s >= count) return;
    constexpr int width = W == 1 ? 1 : 4;
    for_quads([&](int k) {
      float const* const from = phi_from + (stream(s) * in.channels + column(s)) + k * (next_score * P * in.channels);
      unsigned char* const to = raw_phi(s) + k * shape::threads * 16;
      int const exists = score + k * next_score < K ? columns - column(s) - phi_left : 0;
      MHC_UNROLL for (int e = 0; e < 4; e += width) copy_async<4 * width>(to + 4 * e, from + e, e + width <= exists);
    });
  }

  /// The thread's own part of φ, which has arrived, in pieces: piece after piece, score after score.
  __device__ void cut_phi(int s) const {
    if (s >= count) return;
    for_quads([&](int k) {
      auto const quad = *reinterpret_cast<pack<float, 4> const*>(raw_phi(s) + k * shape::threads * 16);
      unsigned first[Pieces], second[Pieces];
      cut_pair(quad.at[0], quad.at[1], first);
      cut_pair(quad.at[2], quad.at[3], second);
      unsigned char* const to = piece_tile(s) + piece_at + k * next_score * tile::row_bytes;
      MHC_UNROLL for (int p = 0; p < Pieces; ++p) {
        auto* const pairs = reinterpret_cast<words<8>*>(to + p * shape::scores * tile::row_bytes);
        *pairs = {{first[p], second[p]}};
      }
    });
  }

  /// Units u and u + 1 of 16 rows, u even, as the first factor: upper and lower rows of one unit, then of the other. In which
  /// order columns meet does not matter.
  __device__ void load_first(unsigned (&a)[4], unsigned char const* rows_at, int u) const {
    load_matrices(a, rows_at + (first_at ^ u * 16));
  }
  /// The same as second factors: both units of the upper rows, then of the lower.
  __device__ void load_second(unsigned (&b)[2][2], unsigned char const* rows_at, int u) const {
    load_four(b, rows_at + (second_at ^ u * 16));
  }
  /// Units u to u + 3 of 8 rows, u a multiple of 4, as two second factors.
  __device__ void load_seconds(unsigned (&b)[2][2], unsigned char const* rows_at, int u) const {
    load_four(b, rows_at + (seconds_at ^ u * 16));
  }
  __device__ static void load_four(unsigned (&b)[2][2], unsigned char const* row) {
    unsigned four[4];
    load_matrices(four, row);
    MHC_UNROLL for (int k = 0; k < 4; ++k) b[k / 2][k % 2] = four[k];
  }

  __device__ void multiply_stage(int s, float (&total)[M][tiles][4], float (&square)[2 * M],
                                 float (&dots)[P][2 * M]) const {
    float sum[M][tiles][4] = {};
    MHC_UNROLL for (int n = 0; n < Units; n += 4) {
      float norm[2 * M][4] = {}, dot[2 * M][4] = {};
      unsigned x[2][M][4];
      MHC_UNROLL for (int k = 0; k < 2; ++k) MHC_UNROLL for (int m = 0; m < M; ++m) {
        int const rows_at = (first_of_warp() + 16 * m) * tile::row_bytes;
        load_first(x[k][m], x_tile(s) + rows_at, n + 2 * k);
        multiply_diagonals(norm, m, x[k][m], {x[k][m][0], x[k][m][2]}, {x[k][m][1], x[k][m][3]});
        if constexpr (Dots) {
          unsigned u[2][2];
          load_second(u, u_tile(s) + rows_at, n + 2 * k);
          multiply_diagonals(dot, m, x[k][m], u[0], u[1]);
        }
      }
      MHC_UNROLL for (int h = 0; h < 2 * M; ++h) square[h] += on_diagonal(norm[h], h % 2);
      if constexpr (Dots)
        MHC_UNROLL for (int i = 0; i < P; ++i) MHC_UNROLL for (int h = 0; h < 2 * M; ++h) dots[i][h] +=
            i == stream(s) ? on_diagonal(dot[h], h % 2) : 0.0f;
      MHC_UNROLL for (int p = Pieces - 1; p >= 0; --p) {  // small ones first
        unsigned phi[tiles][2][2];
        MHC_UNROLL for (int t = 0; t < tiles; ++t)
            load_seconds(phi[t], piece_tile(s) + (p * shape::scores + 8 * t) * tile::row_bytes, n);
        MHC_UNROLL for (int k = 0; k < 2; ++k) MHC_UNROLL for (int m = 0; m < M; ++m)
            MHC_UNROLL for (int t = 0; t < tiles; ++t)
                mma_bfloat16(sum[m][t], x[k][m], phi[t][k]);  // neighbours do not wait for each other
      }
    }
    MHC_UNROLL for (int m = 0; m < M; ++m) MHC_UNROLL for (int t = 0; t < tiles; ++t)
        MHC_UNROLL for (int e = 0; e < 4; ++e) total[m][t][e] += sum[m][t][e];
  }

  /// Rows of x with the upper eight of their own, or of ∂u, and with the lower. On the diagonals a row meets no other.
  __device__ static void multiply_diagonals(float (&c)[2 * M][4], int m, unsigned const (&x)[4],
                                            unsigned const (&upper)[2], unsigned const (&lower)[2]) {
    mma_bfloat16(c[2 * m], x, upper);
    mma_bfloat16(c[2 * m + 1], x, lower);
  }
  /// C(g, g), or C(g + 8, g): right in one of the four lanes that share a row.
  __device__ float on_diagonal(float const (&c)[4], int lower) const {
    return lane() / 4 % 2 == 0 ? c[2 * lower] : c[2 * lower + 1];
  }
  __device__ void keep_diagonal(float (&sum)[2 * M]) const {
    MHC_UNROLL for (int h = 0; h < 2 * M; ++h) sum[h] = lane() % 4 == lane() / 8 ? sum[h] : 0.0f;
  }
};

template <int W, int K, int P, bool Dots, int M, int Pieces, int Units>
__global__ void __launch_bounds__(bfloat16_scan_shape<K, P, Dots, M, Pieces, Units>::threads,
                                  W == 1 ? 1 : bfloat16_scan_shape<K, P, Dots, M, Pieces, Units>::per_multiprocessor)
    bfloat16_scan_kernel(scan_task<bfloat16> task) {
  std::ptrdiff_t const items = bfloat16_scan_shape<K, P, Dots, M, Pieces, Units>::items(task.rows, task.chunks);
  for (unsigned item = blockIdx.x; item < items; item += blocks_of_grid())  // no memory has room for 2³¹
    bfloat16_scan<W, K, P, Dots, M, Pieces, Units>(task, dynamic_shared_memory(), item).run();
}

template <int W, int K, int P, bool Dots, int M, int Pieces, int Units = bfloat16_scan_units>
void launch_bfloat16_scan_of(cuda::policy const& where, char const* operation, scan_task<bfloat16> const& task) {
  using shape = bfloat16_scan_shape<K, P, Dots, M, Pieces, Units>;
  launch(where, operation, bfloat16_scan_kernel<W, K, P, Dots, M, Pieces, Units>,
         {block_count(shape::items(task.rows, task.chunks), 1), shape::threads, shape::shared_bytes}, task);
}

}  // namespace mhc::detail
