// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/views.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/gates/products.hpp>
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
/// The backward pass of the gates in a block of tokens: first what belongs to one token, then, when all tokens have
/// that, x_gradient and the gradient of φ.

MHC_BEGIN_LANES

namespace mhc::detail {

/// Tokens whose gradients are on the stack at once: a multiple of forward_block.
inline constexpr std::ptrdiff_t backward_block = 64;

/// What the backward pass of one block of tokens keeps on the stack between its two phases.
template <class Kind, class T>
struct backward_state {
  static constexpr int S = scores_of<Kind> > 0 ? scores_of<Kind> : 1;
  static constexpr int A = Kind::alphas > 0 ? Kind::alphas : 1;
  static constexpr int N = Kind::streams;

  score_block<Kind, T, backward_block> scores;
  T weight[backward_block][S];         ///< ∂loss/∂s = r ∂loss/∂ŝ
  T norm[backward_block][Kind::rows];  ///< (r²/M) ŝ·∂loss/∂ŝ
  T bias[backward_block][S];           ///< this token's share of the gradient of b
  T alpha[backward_block][A];          ///< and of α
  T h_pre[backward_block][N];
  T output_gradient[backward_block][Kind::outputs];
};

/// Phase 1, a group of tokens per thread: everything of a token but its x_gradient.
template <class V, class Kind, class T, class S, int N>
void backward_tokens(Kind const& kind, parameters_of<Kind, T const> const& parameters, stream_view<S const, N> x,
                     gate_output_gradients<S, N> const& in, backward_state<Kind, T>& state, std::ptrdiff_t block,
                     std::ptrdiff_t t, std::ptrdiff_t n) {
  constexpr int K = Kind::scores_per_row;
  state.scores.template compute<V>(kind, parameters.phi, x, block + t, n, t);
  for (std::ptrdiff_t w = t; w < t + n; ++w) {
    std::ptrdiff_t const b = block + w;
    T* g = state.output_gradient[w];
    if (in.u.data != nullptr)
      dot_streams(rows_of<V>(x, b), rows_of<V>(in.u, b), x.channels, g);
    else
      for (int i = 0; i < N; ++i) g[i] = in.h_pre(b, i);
    if constexpr (Kind::outputs > N) {
      for (int i = 0; i < N; ++i) g[N + i] = in.h_post(b, i);
      for (int k = 0; k < N * N; ++k) g[2 * N + k] = in.h_res.data[b * N * N + k];
    }
  }
  using G = iteration_lanes<V, N>;
  for (std::ptrdiff_t v = t; v < t + n; v += width<G>) {
    std::ptrdiff_t const m = std::min(width<G>, t + n - v);
    auto const g = load_rows<math::vec<G, Kind::outputs>>(&state.output_gradient[0][0], v, m);
    auto const d = kind.gate_vjp(state.scores.template load<G>(v, m), parameters.alpha, parameters.bias, g);
    store_rows(d.h_pre, &state.h_pre[0][0], v, m);
    store_rows(d.scores, &state.weight[0][0], v, m);
    store_rows(d.bias, &state.bias[0][0], v, m);
    store_rows(d.alpha, &state.alpha[0][0], v, m);
  }
  if (!is_dynamic(kind)) return;
  for (std::ptrdiff_t w = t; w < t + n; ++w)
    for (int r = 0; r < Kind::rows; ++r) {
      T const inverse = state.scores.inverse_rms[w][r];
      T norm(0);
      for (int k = r * K; k < (r + 1) * K; ++k) {
        norm += state.scores.score[w][k] * state.weight[w][k];
        state.weight[w][k] *= inverse;
      }
      state.norm[w][r] = norm * (inverse * inverse / static_cast<T>(row_length(kind)));
    }
}

/// Channels per piece of phase 2: that of φ stays in the first-level cache, that of x for a block of tokens in the second.
/// They are copied out of their matrices, whose rows can lie a power of two apart and would share a few lines of it.
inline constexpr std::ptrdiff_t piece_channels = 192;

template <class T>
struct gate_piece {
  alignas(64) T x[backward_block][piece_channels];
};

/// Channels begin … begin + count − 1 of one stream, what a thread has to itself in phase 2.
struct channel_range {
  int stream;
  std::ptrdiff_t begin, count;

  /// Piece number `piece`, with the N streams in turn.
  static channel_range of(std::ptrdiff_t piece, int N, std::ptrdiff_t channels) {
    std::ptrdiff_t const begin = piece / N * piece_channels;
    return {static_cast<int>(piece % N), begin, std::min(piece_channels, channels - begin)};
  }
  /// Its first column in φ.
  template <class Kind>
  std::ptrdiff_t column(Kind const& kind) const {
    return (Kind::rows == 1 ? stream * row_length(kind) / Kind::streams : 0) + begin;
  }
};

/// Phase 2, a range of channels per thread: x_gradient of all tokens of the block,
///   H_preᵀ ∂u − (norm) x + W Φ with W = ∂loss/∂s, rounded once.
/// Where φ has a column for these channels alone, x goes into `copy` on the way. The gradient of φ is asked for where it is
/// next.
template <bool Past, class V, class Kind, class F, class T, class S, int N>
void backward_channels(std::bool_constant<Past>, Kind const& kind, F const* phi, stream_view<S const, N> x,
                       gate_output_gradients<S, N> const& in, backward_state<Kind, T> const& state,
                       std::ptrdiff_t block, std::ptrdiff_t count, channel_range range, stream_view<S, N> x_gradient,
                       update mode, T const* phi_gradient, gate_piece<T>& copy) {
  constexpr int K = Kind::scores_per_row;
  bool const dynamic = is_dynamic(kind), accumulates = mode == update::accumulate;
  bool const asks = Kind::rows == 1 || range.stream == 0;
  int const i = range.stream, r = Kind::rows == 1 ? 0 : i;
  std::ptrdiff_t const c = range.begin, n = range.count, column = range.column(kind);
  std::ptrdiff_t const channels = x.channels, stride = N * channels, length = row_length(kind);
  S const* const from = x.stream(block, i) + c;
  S const* const u = in.u.data != nullptr ? in.u.token(block) + c : nullptr;
  S* const to = x_gradient.stream(block, i) + c;
  T* const copied = copy.x[0];
  T const *const h_pre = &state.h_pre[0][i], *const norm = &state.norm[0][r];
  alignas(64) T packed[K > 0 ? K : 1][piece_channels];
  for (std::ptrdiff_t k = 0; k < K && dynamic; ++k) copy_row<V>(phi + k * length + column, n, packed[k]);
  add_product<V, T>(
      count, {&state.weight[0][r * K], scores_of<Kind>, 1}, {packed[0], piece_channels}, dynamic ? K : 0, n,
      [=]<int W>(std::ptrdiff_t t, std::ptrdiff_t e, auto lanes, V(&sum)[W]) MHC_ALWAYS_INLINE {
        constexpr std::ptrdiff_t step = width<V>;
        std::ptrdiff_t const next = update_rows<V> * stride, u_next = update_rows<V> * channels;
        std::ptrdiff_t const at = t * stride + e, u_at = t * channels + e;
        MHC_UNROLL for (int j = 0; j < W; ++j) {
          if constexpr (!Past) prefetch<2>(to, at + next + j * step);
          sum[j] = V(T(0));
        }
        if (accumulates) MHC_UNROLL for (int j = 0; j < W; ++j) sum[j] = load_channels<V>(to + at + j * step, lanes);
        if (u != nullptr) {
          V const h(h_pre[t * N]);
          MHC_UNROLL for (int j = 0; j < W; ++j) {
            prefetch<2>(u, u_at + u_next + j * step);
            sum[j] = multiply_add(h, load_channels<V>(u + u_at + j * step, lanes), sum[j]);
          }
        }
        if (dynamic) {
          V const minus(-norm[t * Kind::rows]);
          MHC_UNROLL for (int j = 0; j < W; ++j) {
            if (asks && t < K) prefetch<2>(phi_gradient + column, t * length + e + j * step);
            prefetch<2>(from, at + next + j * step);
            V some = load_channels<V>(from + at + j * step, lanes);
            hold(some);
            if constexpr (Kind::rows == 1) store_channels(some, copied + t * piece_channels + e + j * step, lanes);
            sum[j] = multiply_add(minus, some, sum[j]);
          }
        }
      },
      [=]<int W>(std::ptrdiff_t t, std::ptrdiff_t e, auto lanes, V const(&sum)[W]) MHC_ALWAYS_INLINE {
        MHC_UNROLL for (int j = 0; j < W; ++j)
            store_line(std::bool_constant<Past>{}, sum[j], to + t * stride + e + j * width<V>, lanes);
      });
}

/// Phase 2 for φ: ∂loss/∂Φ += Wᵀ X, over the block's rows in their order, for columns that no other thread has. What is
/// read first of the `next` range is asked for meanwhile, into the second level of the cache: there is time for it here, and
/// rows that lie far apart are foreseen by nothing else.
template <bool Past, class V, class Kind, class F, class T, class S, int N>
void backward_phi(std::bool_constant<Past>, Kind const& kind, F const* phi, stream_view<S const, N> x,
                  backward_state<Kind, T> const& state, std::ptrdiff_t block, std::ptrdiff_t count, channel_range range,
                  channel_range next, stream_view<S, N> x_gradient, T* phi_gradient, gate_piece<T>& copy) {
  constexpr int K = Kind::scores_per_row;
  std::ptrdiff_t const length = row_length(kind), rows = count * Kind::rows, n = range.count, stride = N * x.channels;
  T* const column = phi_gradient + range.column(kind);
  F const* const next_phi = phi + next.column(kind);
  S const* const next_x = x.stream(block, next.stream) + next.begin;
  S const* const next_gradient = x_gradient.stream(block, next.stream) + next.begin;
  for (std::ptrdiff_t q = 0; q < rows; q += backward_block) {
    std::ptrdiff_t const some = std::min(backward_block, rows - q);
    for (std::ptrdiff_t p = 0; p < some && Kind::rows > 1; ++p)
      copy_row<V>(x.stream(block, 0) + range.begin + (q + p) * length, n, copy.x[p]);
    add_product<V, T>(
        K, {&state.weight[0][0] + q * K, 1, K}, {copy.x[0], piece_channels}, some, n,
        [=]<int W>(std::ptrdiff_t k, std::ptrdiff_t e, auto lanes, V(&sum)[W]) MHC_ALWAYS_INLINE {
          MHC_UNROLL for (int j = 0; j < W; ++j) {
            constexpr std::ptrdiff_t step = width<V>;
            sum[j] = load_channels<V>(column + k * length + e + j * step, lanes);
            if (q > 0) continue;
            prefetch<2>(next_phi, k * length + e + j * step);
            if (k >= update_rows<V>) continue;
            prefetch<2>(next_x, k * stride + e + j * step);
            if constexpr (!Past) prefetch<2>(next_gradient, k * stride + e + j * step);
          }
        },
        [=]<int W>(std::ptrdiff_t k, std::ptrdiff_t e, auto lanes, V const(&sum)[W]) MHC_ALWAYS_INLINE {
          MHC_UNROLL for (int j = 0; j < W; ++j) store_channels(sum[j], column + k * length + e + j * width<V>, lanes);
        });
  }
}

}  // namespace mhc::detail

MHC_END_LANES
