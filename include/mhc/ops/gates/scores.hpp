// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/views.hpp>
#include <mhc/math/tile.hpp>
#include <mhc/ops/gates/products.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/parameters.hpp>
#include <mhc/ops/rows.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

/// @file
/// The thin product of tokens with φ, and the norm, with neighbouring elements in the lanes.

MHC_BEGIN_LANES

namespace mhc::detail {

/// Elements after which running sums are put aside, so that rounding does not grow with the length of a row: 2 KiB, of
/// which the first-level cache holds as many as a tile of the product reads.
template <class T>
inline constexpr std::ptrdiff_t sum_block = 2048 / static_cast<std::ptrdiff_t>(sizeof(T));

/// Tokens whose scores are computed at once: a multiple of every register width.
inline constexpr std::ptrdiff_t forward_block = 32;

/// n elements of a row, in what is computed in.
template <class V, class S, class T>
inline void copy_row(S const* row, std::ptrdiff_t n, T* copy) {
  for_channels<V>(
      n, [&](std::ptrdiff_t c, std::ptrdiff_t m) { store_channels(load_channels<V>(row + c, m), copy + c, m); });
}

/// The same, which is read more than once: where it is or, converted, in `copy`.
template <class V, class S, class T>
inline T const* computable(S const* row, std::ptrdiff_t n, [[maybe_unused]] T* copy) {
  if constexpr (std::is_same_v<S, T>) {
    return row;
  } else {
    copy_row<V>(row, n, copy);
    return copy;
  }
}

/// out[i] = x_i·g for the N streams of a token.
template <class V, int N, class S, class T>
inline void dot_streams(S const* x, S const* g, std::ptrdiff_t channels, T* out) {
  V total[N];
  std::fill_n(total, N, V(T(0)));
  for (std::ptrdiff_t begin = 0; begin < channels; begin += sum_block<T>) {
    S const* row[N];
    for (int i = 0; i < N; ++i) row[i] = x + i * channels + begin;
    std::ptrdiff_t const n = std::min(sum_block<T>, channels - begin);
    add_dot_products<V, N, 1>(row, g + begin, channels, n, total, 1, g + begin);
  }
  for (int i = 0; i < N; ++i) out[i] = sum_of_lanes(total[i]);
}

/// Scores ŝ = r s and inverse norms r = (|x|²/M + ε)^(−1/2) of up to Tokens tokens.
template <class Kind, class T, std::ptrdiff_t Tokens>
struct score_block {
  static constexpr int K = Kind::scores_per_row, S = scores_of<Kind>;
  T score[Tokens][S > 0 ? S : 1];
  T inverse_rms[Tokens][Kind::rows];

  /// Scores of tokens first … first + count − 1 into the rows from `at` on; count is at most forward_block. A block of
  /// columns of φ stays in L2 while all rows pass, and a block of a few rows in L1 while all scores do.
  template <class V, class X, int N>
  void compute(Kind const& kind, T const* phi, stream_view<X const, N> x, std::ptrdiff_t first, std::ptrdiff_t count,
               std::ptrdiff_t at) {
    if (!is_dynamic(kind)) return;
    constexpr int R = dot_rows<V>;  // a row beyond the last repeats it and is not kept
    constexpr std::ptrdiff_t pitch = K + 1;
    static_assert(forward_block * Kind::rows % R == 0);
    std::ptrdiff_t const length = row_length(kind), rows = count * Kind::rows;
    V total[forward_block * Kind::rows * pitch];
    std::fill_n(total, (rows + R - 1) / R * R * pitch, V(T(0)));
    // Rows of φ can lie a power of two apart, and would then share a few lines of cache.
    alignas(64) T packed[(K > 0 ? K : 1) * sum_block<T>];
    alignas(64) T copy[std::is_same_v<X, T> ? 1 : R][sum_block<T>];
    for (std::ptrdiff_t begin = 0; begin < length; begin += sum_block<T>) {
      std::ptrdiff_t const n = std::min(sum_block<T>, length - begin);
      for (int k = 0; k < K; ++k) std::copy_n(phi + k * length + begin, n, packed + k * sum_block<T>);
      for (std::ptrdiff_t q = 0; q < rows; q += R) {
        T const* row[R];
        X const* next[R];
        for (std::ptrdiff_t r = 0; r < R; ++r) {
          std::ptrdiff_t const after = q + R < rows ? std::min(q + R + r, rows - 1) * length : r % rows * length + n;
          row[r] = computable<V>(x.stream(first, 0) + std::min(q + r, rows - 1) * length + begin, n,
                                 copy[std::is_same_v<X, T> ? 0 : r]);
          next[r] = x.stream(first, 0) + after + begin;
        }
        add_squares<V, R>(row, n, total + q * pitch + K, pitch);
        add_scores<V, R>(row, packed, n, total + q * pitch, pitch, next);
      }
    }
    for (std::ptrdiff_t q = 0; q < rows; ++q) {
      T const mean = sum_of_lanes(total[q * pitch + K]) / static_cast<T>(length);
      T const inverse = T(1) / std::sqrt(mean + kind.norm_epsilon);
      (&inverse_rms[at][0])[q] = inverse;
      for (std::ptrdiff_t k = 0; k < K; ++k) (&score[at][0])[q * K + k] = inverse * sum_of_lanes(total[q * pitch + k]);
    }
  }

  /// The scores of tokens t … t + n − 1, one token per lane.
  template <class V>
  math::vec<V, S> load(std::ptrdiff_t t, std::ptrdiff_t n) const {
    return load_rows<math::vec<V, S>>(&score[0][0], t, n);
  }

 private:
  template <class V, int R, class X>
  static void add_scores(T const* const (&row)[R], T const* phi, std::ptrdiff_t n, V* total, std::ptrdiff_t pitch,
                         X const* const (&next)[R]) {
    constexpr int W = dot_columns<V>, whole = K / W * W;
    for (int k = 0; k < whole; k += W)
      add_dot_products<V, R, W>(row, phi + k * sum_block<T>, sum_block<T>, n, total + k, pitch, next[k / W % R]);
    if constexpr (whole < K)
      add_dot_products<V, R, K - whole>(row, phi + whole * sum_block<T>, sum_block<T>, n, total + whole, pitch,
                                        next[whole / W % R]);
  }
};

}  // namespace mhc::detail

MHC_END_LANES
