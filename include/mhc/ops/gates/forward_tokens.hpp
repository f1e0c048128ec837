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

/// The rest of tokens first … first + count − 1, whose scores are known.
template <class V, class Kind, class T, class S, int N, std::ptrdiff_t Tokens>
void finish_gates(Kind const& kind, parameters_of<Kind, T const> const& parameters, stream_view<S const, N> x,
                  score_block<Kind, T, Tokens> const& scores, gate_outputs<S, N> const& out, std::ptrdiff_t first,
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
  for (std::ptrdiff_t b = first; b < first + count; ++b) {  // whose x may still be in cache
    auto const h_pre = broadcast_row<math::vec<V, N>>(out.h_pre.data + b * N);
    auto const from = rows_of<L>(x, b);
    auto const to = rows_of<L>(out.u, b);
    for_channels<L>(x.channels, [&](std::ptrdiff_t c, auto n) MHC_ALWAYS_INLINE {
      from.prefetch_next(c);
      to.store(std::false_type{}, {math::aggregate(h_pre, from.load(c, n))}, c, n);
    });
  }
}

template <class V, class Kind, class T, class S, int N>
void gate_block(Kind const& kind, parameters_of<Kind, T const> const& parameters, stream_view<S const, N> x,
                gate_outputs<S, N> const& out, std::ptrdiff_t first, std::ptrdiff_t count) {
  score_block<Kind, T, forward_block<Kind>> scores;
  scores.template compute<V, forward_block<Kind>>(kind, parameters.phi, x, first, count, 0);
  finish_gates<V>(kind, parameters, x, scores, out, first, count);
}

/// Of so many rows threads share the stretches, and then the tokens: there would be nothing for some of them otherwise.
inline constexpr std::ptrdiff_t few_rows = 32;

template <class Kind>
bool shares_stretches(Kind const& kind, std::ptrdiff_t tokens, int threads) {
  return threads > 1 && tokens > 0 && tokens * Kind::rows <= few_rows && is_dynamic(kind);
}

template <class V, class Kind, class F, class T, class S, int N>
class few_tokens {
 public:
  static constexpr std::ptrdiff_t most = few_rows / Kind::rows;

  few_tokens(Kind const& gates, parameters_of<Kind, T const> const& learned, stream_view<S const, N> streams)
      : kind_(gates), parameters_(learned), x_(streams) {}

  std::ptrdiff_t stretches() const { return scan::stretches(row_length(kind_)).count; }
  void scan_stretch(std::ptrdiff_t s) {
    std::ptrdiff_t const rows = x_.size * Kind::rows;
    scan const some(parameters_.phi, x_.data, row_length(kind_), rows, s, s + 1);
    for (std::ptrdiff_t q = 0; q < rows; ++q) some.store_sums(q, sums_[q][s]);
  }
  void finish(gate_outputs<S, N> const& out, std::ptrdiff_t first, std::ptrdiff_t count) const {
    score_block<Kind, T, most> scores;
    for (std::ptrdiff_t q = 0; q < count * Kind::rows; ++q) {
      auto const& parts = sums_[first * Kind::rows + q];
      alignas(64) T sums[scan::sums];
      for (std::ptrdiff_t k = 0; k < scan::sums; k += width<V>) {
        V sum(T(0));
        for (std::ptrdiff_t s = 0; s < stretches(); ++s) sum = sum + V::load_aligned(parts[s] + k);
        sum.store_aligned(sums + k);
      }
      scores.template finish<scan>(kind_, sums, q);
    }
    finish_gates<V>(kind_, parameters_, x_, scores, out, first, count);
  }

 private:
  using scan = score_scan<V, Kind, S, F, most * Kind::rows>;

  Kind const& kind_;
  parameters_of<Kind, T const> const& parameters_;
  stream_view<S const, N> x_;
  alignas(64) T sums_[most * Kind::rows][row_stretches::most][scan::sums];
};

}  // namespace mhc::detail

MHC_END_LANES
