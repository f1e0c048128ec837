// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/gates/scores.hpp>
#include <mhc/ops/gates/types.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/large_tensors.hpp>
#include <mhc/ops/parameters.hpp>
#include <mhc/ops/rows.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

/// @file
/// The forward pass of the gates: scores, coefficients and u of a block of tokens, or of few tokens by all threads.

MHC_BEGIN_LANES

namespace mhc::detail {

/// Scores of as many tokens as a block has.
template <class Kind, class T>
using forward_scores = score_block<Kind, T, forward_block<Kind>>;

/// The rest of tokens first … first + count − 1, whose scores are known.
template <class V, class Kind, class T, class S, int N>
void finish_gates(Kind const& kind, parameters_of<Kind, T const> const& parameters, stream_view<S const, N> x,
                  forward_scores<Kind, T> const& scores, gate_outputs<S, N> const& out, std::ptrdiff_t first,
                  std::ptrdiff_t count) {
  if (out.scores.data != nullptr && is_dynamic(kind)) scores.keep(out.scores, first, count);
  using G = iteration_lanes<V, N>;
  for (std::ptrdiff_t t = 0; t < count; t += width<G>) {
    std::ptrdiff_t const n = std::min(width<G>, count - t);
    auto const h = kind.gate(scores.template load<G>(t, n), parameters.alpha, parameters.bias);
    math::vec<G, N> pre, post;
    math::tile<G, N> res;
    for (int i = 0; i < N; ++i) pre[i] = h[i];
    store_rows(pre, out.h_pre.data, first + t, n);
    if constexpr (Kind::outputs > N) {
      for (int i = 0; i < N; ++i) post[i] = h[N + i];
      for (int k = 0; k < N * N; ++k) res[k] = h[2 * N + k];
      store_rows(post, out.h_post.data, first + t, n);
      store_rows(res, out.h_res.data, first + t, n);
    }
  }
  if (out.u.data == nullptr) return;
  using L = line_of<S, V>;
  at_level_of(x, writing::little, [&](auto first_level) MHC_ALWAYS_INLINE {
    for (std::ptrdiff_t b = first; b < first + count; ++b) {  // whose x may still be in cache
      auto const h_pre = broadcast_row<math::vec<V, N>>(out.h_pre.data + b * N);
      auto const from = rows_of<L>(x, b);
      auto const to = rows_of<L>(out.u, b);
      for_channels<L>(x.channels, [&](std::ptrdiff_t c, auto n) MHC_ALWAYS_INLINE {
        from.prefetch_next(first_level, c);
        to.store(false, {math::aggregate(h_pre, from.load(c, n))}, c, n);
      });
    }
  });
}

template <class V, class Kind, class T, class S, int N, class Beside = nothing_beside>
void gate_block(Kind const& kind, parameters_of<Kind, T const> const& parameters, stream_view<S const, N> x,
                gate_outputs<S, N> const& out, std::ptrdiff_t first, std::ptrdiff_t count, Beside&& beside = {}) {
  forward_scores<Kind, T> scores;
  wanted_memory u;
  if (out.u.data != nullptr) u = {out.u.token(first), count * out.u.channels * static_cast<std::ptrdiff_t>(sizeof(S))};
  scores.template compute<V>(kind, parameters.phi, x, first, count, 0, u, beside);
  finish_gates<V>(kind, parameters, x, scores, out, first, count);
}

/// So few tokens that there is nothing for some of the threads, which therefore share the blocks of columns first, and then
/// the tokens. The sums of blocks are added in their order, so that this shows in no bit.
template <class V, class Kind, class F, class T, class S, int N>
class few_tokens {
  static constexpr std::ptrdiff_t most_rows = 32;
  using scan = scan_of<V, Kind, S, F>;
  static constexpr std::ptrdiff_t room = (std::ptrdiff_t(1) << 18) / (scan::sums * std::ptrdiff_t(sizeof(T)));

 public:
  static constexpr std::ptrdiff_t most = most_rows / Kind::rows;

  /// Whether they are, and sums of all their blocks take no more than 256 KiB of the stack.
  static bool are(Kind const& gates, std::ptrdiff_t tokens, int threads) {
    return threads > 1 && tokens > 0 && tokens <= most && tokens * Kind::rows * blocks(gates) <= room &&
           is_dynamic(gates);
  }
  static std::ptrdiff_t blocks(Kind const& gates) { return (row_length(gates) + scan::block - 1) / scan::block; }

  few_tokens(Kind const& gates, parameters_of<Kind, T const> const& learned, stream_view<S const, N> streams)
      : kind_(gates), parameters_(learned), x_(streams), length_(row_length(gates)), blocks_(blocks(gates)) {}

  void scan_block(std::ptrdiff_t k) {
    std::ptrdiff_t const rows = x_.size * Kind::rows, begin = k * scan::block;
    nothing_beside nothing;
    scan const some(parameters_.phi, x_.data, length_, rows, begin, std::min(begin + scan::block, length_), {},
                    nothing);
    for (std::ptrdiff_t q = 0; q < rows; ++q) some.store_sums(q, sums_[q * blocks_ + k]);
  }
  void finish(gate_outputs<S, N> const& out, std::ptrdiff_t first, std::ptrdiff_t count) const {
    forward_scores<Kind, T> scores;
    for (std::ptrdiff_t q = 0; q < count * Kind::rows; ++q) {
      auto const* const parts = sums_ + (first * Kind::rows + q) * blocks_;
      alignas(64) T sums[scan::sums];
      for (std::ptrdiff_t lane = 0; lane < scan::sums; lane += width<V>) {
        V sum(T(0));
        for (std::ptrdiff_t k = 0; k < blocks_; ++k) sum = sum + V::load_aligned(parts[k] + lane);
        sum.store_aligned(sums + lane);
      }
      scores.template finish<scan>(kind_, sums, q);
    }
    finish_gates<V>(kind_, parameters_, x_, scores, out, first, count);
  }

 private:
  Kind const& kind_;
  parameters_of<Kind, T const> const& parameters_;
  stream_view<S const, N> x_;
  std::ptrdiff_t length_, blocks_;
  alignas(64) T sums_[room][scan::sums];
};

}  // namespace mhc::detail

MHC_END_LANES
