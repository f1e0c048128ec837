// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/math/tile.hpp>
#include <mhc/ops/gates/scan.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/large_tensors.hpp>
#include <mhc/ops/parameters.hpp>
#include <mhc/ops/rows.hpp>
#include <mhc/ops/sums.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

/// @file
/// The thin product of tokens with φ, whose lanes are columns of φᵀ, and the norm, whose lanes are neighbouring elements.

MHC_BEGIN_LANES

namespace mhc::detail {

/// Tokens whose scores are computed at once: up to forward_block, by which φ is read and transposed as often, in steps of
/// some tiles of the product. Which tokens share a block does not show in a bit.
template <class Kind>
inline constexpr std::ptrdiff_t forward_block = Kind::rows == 1 ? 128 : 64;
inline constexpr std::ptrdiff_t forward_step = 16;

/// What sums the scores of a kind, of no more tokens than a block has.
template <class V, class Kind, class X, class F>
using scan_of = score_scan<V, Kind::scores_per_row, forward_block<Kind> * Kind::rows, X, F>;

/// out[i] = x_i·g for the N streams of a token.
template <class V, class X, class G, int N, class T>
inline void dot_streams(auto first_level, token_rows<V, X, N> const& x, token_rows<V, G, 1> const& g,
                        std::ptrdiff_t channels, T* out) {
  auto total = math::filled<N>(V(T(0)));
  for (std::ptrdiff_t begin = 0; begin < channels; begin += sum_block<T>) {
    auto sum = math::filled<N>(V(T(0)));
    for_channels<V>(std::min(sum_block<T>, channels - begin), [&](std::ptrdiff_t c, auto n) MHC_ALWAYS_INLINE {
      x.prefetch_next(first_level, begin + c);
      g.prefetch_next(begin + c);
      math::add_scaled(g.load(begin + c, n)[0], x.load(begin + c, n), sum);
    });
    MHC_UNROLL for (int i = 0; i < N; ++i) total[i] = total[i] + sum[i];
  }
  sums_of_lanes(total, out);
}

/// Scores ŝ = r s and inverse norms r = (|x|²/M + ε)^(−1/2) of up to Tokens tokens.
template <class Kind, class T, std::ptrdiff_t Tokens>
struct score_block {
  static constexpr int K = Kind::scores_per_row, S = scores_of<Kind>;
  T score[Tokens][S > 0 ? S : 1];
  T inverse_rms[Tokens][Kind::rows];

  /// Scores of tokens first … first + count − 1 into the rows from `at` on; count is at most forward_block.
  template <class V, class F, class X, int N, class Beside = nothing_beside>
  void compute(Kind const& kind, F const* phi, stream_view<X const, N> x, std::ptrdiff_t first, std::ptrdiff_t count,
               std::ptrdiff_t at, wanted_memory wanted = {}, Beside&& beside = {}) {
    if constexpr (K > 0) {
      if (!is_dynamic(kind)) return;
      using scan = scan_of<V, Kind, X, F>;
      std::ptrdiff_t const length = row_length(kind), rows = count * Kind::rows;
      scan const all(phi, x.stream(first, 0), length, rows, 0, length, wanted, beside);
      alignas(64) T sums[scan::sums];
      for (std::ptrdiff_t q = 0; q < rows; ++q) {
        all.store_sums(q, sums);
        finish<scan>(kind, sums, at * Kind::rows + q);
      }
    }
  }
  /// Row q from its sums.
  template <class Scan>
  void finish(Kind const& kind, T const* sums, std::ptrdiff_t q) {
    T const inverse = T(1) / std::sqrt(Scan::square(sums) / static_cast<T>(row_length(kind)) + kind.norm_epsilon);
    (&inverse_rms[0][0])[q] = inverse;
    auto const products = Scan::products(sums);
    for (int k = 0; k < K; ++k) (&score[0][0])[q * K + k] = inverse * products[k];
  }

  /// What has been computed for tokens 0 … count − 1, kept as the rows from `first` on.
  void keep(token_view<T> to, std::ptrdiff_t first, std::ptrdiff_t count) const {
    for (std::ptrdiff_t t = 0; t < count; ++t)
      std::copy_n(inverse_rms[t], Kind::rows, std::copy_n(score[t], S, to.token(first + t)));
  }
  /// The same tokens as `compute`, as they have been kept.
  void recall(token_view<T const> from, std::ptrdiff_t first, std::ptrdiff_t count, std::ptrdiff_t at) {
    for (std::ptrdiff_t t = 0; t < count; ++t) {
      T const* const row = from.token(first + t);
      std::copy_n(row, S, score[at + t]);
      std::copy_n(row + S, Kind::rows, inverse_rms[at + t]);
    }
  }

  /// The scores of tokens t … t + n − 1, one token per lane.
  template <class V>
  math::vec<V, S> load(std::ptrdiff_t t, std::ptrdiff_t n) const {
    return load_rows<math::vec<V, S>>(&score[0][0], t, n);
  }
};

}  // namespace mhc::detail

MHC_END_LANES
