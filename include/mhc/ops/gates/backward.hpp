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

/// Tokens whose gradients are on the stack at once.
inline constexpr std::ptrdiff_t backward_block = 64;

/// What the backward pass of one block of tokens keeps on the stack between its two phases.
template <class Kind, class T>
struct backward_state {
  static constexpr int S = scores_of<Kind> > 0 ? scores_of<Kind> : 1;
  static constexpr int A = Kind::alphas > 0 ? Kind::alphas : 1;
  static constexpr int N = Kind::streams;

  score_block<Kind, T, backward_block> scores;
  T weight[backward_block][S];  ///< ∂loss/∂s = r ∂loss/∂ŝ
  T weight_by_score[S][backward_block];
  T norm[backward_block][Kind::rows];  ///< (r²/M) ŝ·∂loss/∂ŝ
  T bias[backward_block][S];           ///< this token's share of the gradient of b
  T alpha[backward_block][A];          ///< and of α
  T h_pre[backward_block][N];
  T output_gradient[backward_block][Kind::outputs];
};

/// From ∂loss/∂ŝ of tokens v … v + m − 1 to their weights and norm.
template <class G, class Kind, class T, int S>
void backward_scores(Kind const& kind, math::vec<G, S>& gradient, backward_state<Kind, T>& state, std::ptrdiff_t v,
                     std::ptrdiff_t m) {
  constexpr int K = Kind::scores_per_row;
  auto const score = state.scores.template load<G>(v, m);
  auto const inverse = load_rows<math::vec<G, Kind::rows>>(&state.scores.inverse_rms[0][0], v, m);
  math::vec<G, Kind::rows> norm;
  for (int r = 0; r < Kind::rows; ++r) {
    G sum(T(0));
    for (int k = r * K; k < (r + 1) * K; ++k) {
      sum = multiply_add(score[k], gradient[k], sum);
      gradient[k] = gradient[k] * inverse[r];
    }
    norm[r] = sum * (inverse[r] * inverse[r] * G(T(1) / static_cast<T>(row_length(kind))));
  }
  store_rows(norm, &state.norm[0][0], v, m);
  store_rows(gradient, &state.weight[0][0], v, m);
  using parts = registers_of<G>;
  using V = typename parts::type;
  for (int k = 0; k < S; ++k)
    for (int g = 0; g < parts::count && g * width<V> < m; ++g)
      store_channels(math::loaded(parts::at(gradient[k], g)), &state.weight_by_score[k][v + g * width<V>],
                     std::min(width<V>, m - g * width<V>));
}

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
    auto d = kind.gate_vjp(state.scores.template load<G>(v, m), parameters.alpha, parameters.bias, g);
    store_rows(d.h_pre, &state.h_pre[0][0], v, m);
    store_rows(d.bias, &state.bias[0][0], v, m);
    store_rows(d.alpha, &state.alpha[0][0], v, m);
    if constexpr (K > 0) {
      if (is_dynamic(kind)) backward_scores<G>(kind, d.scores, state, v, m);
    }
  }
}

/// Channels per piece of phase 2: those of φ and of x for a block of tokens stay in the second level of the cache. With fewer
/// a page of memory is visited more often, and there are more pages than the processor keeps the addresses of.
inline constexpr std::ptrdiff_t piece_channels = 384;

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

/// Phase 2 in a range of channels. It is copied out of its matrices, whose rows can lie a power of two apart and would share a
/// few lines of cache, into strips of a few registers: x in the order of its rows, while x_gradient is taken, and then strip
/// by strip for the gradient of φ, which needs each of them for all scores. What is next is asked for meanwhile, into the
/// second level of the cache: rows that lie far apart are foreseen by nothing else.
template <bool Past, class V, class Kind, class F, class T, class S, int N>
class backward_range {
  static constexpr int K = Kind::scores_per_row, R = product_rows<V>, C = product_registers;
  static constexpr std::ptrdiff_t W = width<V>;
  template <int Registers>
  using strip = T[Registers][V::size];

 public:
  backward_range(std::bool_constant<Past>, Kind const& kind, F const* phi, stream_view<S const, N> x,
                 gate_output_gradients<S, N> const& in, backward_state<Kind, T> const& state, std::ptrdiff_t block,
                 std::ptrdiff_t count, stream_view<S, N> x_gradient, update mode, T* phi_gradient, channel_range here,
                 channel_range next)
      : phi_(phi),
        x_(x.stream(block, 0)),
        u_(in.u.data != nullptr ? in.u.token(block) : nullptr),
        x_gradient_(x_gradient.stream(block, 0)),
        phi_gradient_(phi_gradient),
        state_(&state),
        channels_(x.channels),
        length_(row_length(kind)),
        count_(count),
        here_(at(kind, here)),
        next_(at(kind, next)),
        channels_here_(here.count),
        dynamic_(is_dynamic(kind)),
        accumulates_(mode == update::accumulate) {}

  /// x_gradient of these channels, and the gradient of φ where no other stream shares them, or all do and this is the first.
  void run() {
    if (dynamic_)
      for_strips([&]<int Registers>(std::integral_constant<int, Registers>, std::ptrdiff_t c, auto lanes)
                     MHC_ALWAYS_INLINE {
                       for (int k = 0; k < K; ++k)
                         copy(phi_ + k * length_ + here_.in_phi + c, phi_strip<Registers>(c)[k], lanes);
                     });
    std::ptrdiff_t t = 0;
    for (; t + R <= count_; t += R) some_tokens<R>(t);
    for (; t < count_; ++t) some_tokens<1>(t);
    if constexpr (K > 0) {
      if (!dynamic_ || (Kind::rows > 1 && here_.stream > 0)) return;
      for (std::ptrdiff_t q = 0; q < count_ * Kind::rows; q += backward_block) {
        std::ptrdiff_t const rows = std::min(backward_block, count_ * Kind::rows - q);
        for_strips([&]<int Registers>(std::integral_constant<int, Registers>, std::ptrdiff_t c, auto lanes)
                       MHC_ALWAYS_INLINE {
                         strip<Registers>* const x = x_strip<Registers>(c);
                         for (std::ptrdiff_t p = 0; p < rows && Kind::rows > 1; ++p)
                           copy(x_ + (q + p) * length_ + here_.in_stream + c, x[p], lanes);
                         int k = 0;
                         for (; k + R <= K; k += R) some_scores<R>(k, q, rows, x, c, lanes);
                         if constexpr (K % R > 0) some_scores<K % R>(k, q, rows, x, c, lanes);
                       });
      }
    }
  }

 private:
  /// Where a range begins: its stream, and in a token, in a row of φ, and within a stream.
  struct place {
    int stream;
    std::ptrdiff_t in_token, in_phi, in_stream;
  };
  place at(Kind const& kind, channel_range const& range) const {
    return {range.stream, range.stream * channels_ + range.begin, range.column(kind), range.begin};
  }

  /// body(registers, c, lanes) for strips of C registers from channel c on, and of one register where there are fewer.
  template <class Body>
  MHC_ALWAYS_INLINE void for_strips(Body const& body) {
    std::ptrdiff_t c = 0;
    for (; c + C * W <= channels_here_; c += C * W)
      body(std::integral_constant<int, C>{}, c, std::integral_constant<std::ptrdiff_t, W>{});
    for_channels<V>(channels_here_ - c, [&](std::ptrdiff_t e, auto lanes) MHC_ALWAYS_INLINE {
      body(std::integral_constant<int, 1>{}, c + e, lanes);
    });
  }
  template <int Registers>
  strip<Registers>* phi_strip(std::ptrdiff_t c) {
    return reinterpret_cast<strip<Registers>*>(phi_strips_ + c * K);
  }
  template <int Registers>
  strip<Registers>* x_strip(std::ptrdiff_t c) {
    return reinterpret_cast<strip<Registers>*>(x_strips_ + c * backward_block);
  }
  template <int M>
  void some_tokens(std::ptrdiff_t t) {
    for_strips([&]<int Registers>(std::integral_constant<int, Registers>, std::ptrdiff_t c, auto lanes)
                   MHC_ALWAYS_INLINE { tokens<M, Registers>(t, c, lanes); });
  }

  template <int Registers, class E>
  MHC_ALWAYS_INLINE static void copy(E const* from, strip<Registers>& to, auto lanes) {
    MHC_UNROLL for (int j = 0; j < Registers; ++j) load_channels<V>(from + j * W, lanes).store_aligned(to[j]);
  }
  template <int Registers, class E>
  MHC_ALWAYS_INLINE static void ask(E const* p, std::ptrdiff_t stride) {
    MHC_UNROLL for (int m = 0; m < R; ++m, p += stride) MHC_UNROLL for (int j = 0; j < Registers; ++j)
        prefetch<2>(p, j * W);
  }

  /// Tokens t … t + M − 1: H_preᵀ ∂u − (norm) x + W Φ with W = ∂loss/∂s, rounded once. Where φ has columns for these channels
  /// alone, x is copied on the way.
  template <int M, int Registers>
  MHC_ALWAYS_INLINE void tokens(std::ptrdiff_t t, std::ptrdiff_t c, auto lanes) {
    std::ptrdiff_t const stride = N * channels_;
    bool const goes_on = t + M < count_;
    std::ptrdiff_t const t_ahead = goes_on ? t + M : 0;
    place const ahead = goes_on ? here_ : next_;
    int const i = here_.stream, r = Kind::rows == 1 ? 0 : i;
    S const* x = x_ + t * stride + here_.in_token + c;
    S* const first = x_gradient_ + t * stride + here_.in_token + c;
    if constexpr (!Past) ask<Registers>(x_gradient_ + t_ahead * stride + ahead.in_token + c, stride);
    V sum[M][Registers];
    MHC_UNROLL for (int m = 0; m < M; ++m) MHC_UNROLL for (int j = 0; j < Registers; ++j) sum[m][j] = V(T(0));
    if (accumulates_) {
      S const* to = first;
      MHC_UNROLL for (int m = 0; m < M; ++m, to += stride) MHC_UNROLL for (int j = 0; j < Registers; ++j) sum[m][j] =
          load_channels<V>(to + j * W, lanes);
    }
    if (u_ != nullptr) {
      S const* u = u_ + t * channels_ + here_.in_stream + c;
      if (ahead.stream == 0) ask<Registers>(u_ + t_ahead * channels_ + ahead.in_stream + c, channels_);
      MHC_UNROLL for (int m = 0; m < M; ++m, u += channels_) {
        V const h(state_->h_pre[t + m][i]);
        MHC_UNROLL for (int j = 0; j < Registers; ++j) sum[m][j] =
            multiply_add(h, load_channels<V>(u + j * W, lanes), sum[m][j]);
      }
    }
    if (dynamic_) {
      ask<Registers>(x_ + t_ahead * stride + ahead.in_token + c, stride);
      if (!goes_on && Kind::rows == 1) ask<Registers>(phi_gradient_ + here_.in_phi + c, length_);
      MHC_UNROLL for (int m = 0; m < M; ++m, x += stride) {
        V const minus(-state_->norm[t + m][r]);
        MHC_UNROLL for (int j = 0; j < Registers; ++j) {
          V some = load_channels<V>(x + j * W, lanes);
          hold(some);
          if constexpr (Kind::rows == 1) some.store_aligned(x_strip<Registers>(c)[t + m][j]);
          sum[m][j] = multiply_add(minus, some, sum[m][j]);
        }
      }
      add_weighted<backward_block>(&state_->weight_by_score[r * K][t], phi_strip<Registers>(c), K, sum);
    }
    S* to = first;
    MHC_UNROLL for (int m = 0; m < M; ++m, to += stride) MHC_UNROLL for (int j = 0; j < Registers; ++j)
        store_line(std::bool_constant<Past>{}, sum[m][j], to + j * W, lanes);
  }

  /// Rows k … k + M − 1 of ∂loss/∂Φ += Wᵀ X, over rows q … of x in their order.
  template <int M, int Registers>
  MHC_ALWAYS_INLINE void some_scores(int k, std::ptrdiff_t q, std::ptrdiff_t rows, strip<Registers> const* x,
                                     std::ptrdiff_t c, auto lanes) {
    T* const first = phi_gradient_ + k * length_ + here_.in_phi + c;
    bool const goes_on = k + M < K;
    if (goes_on) ask<Registers>(first + M * length_, length_);
    ask<Registers>(phi_ + k * length_ + next_.in_phi + c, length_);
    V sum[M][Registers];
    T* to = first;
    MHC_UNROLL for (int m = 0; m < M; ++m, to += length_) MHC_UNROLL for (int j = 0; j < Registers; ++j) sum[m][j] =
        load_channels<V>(to + j * W, lanes);
    add_weighted<K>(&state_->weight[0][0] + q * K + k, x, rows, sum);
    to = first;
    MHC_UNROLL for (int m = 0; m < M; ++m, to += length_) MHC_UNROLL for (int j = 0; j < Registers; ++j)
        store_channels(sum[m][j], to + j * W, lanes);
  }

  F const* phi_;
  S const *x_, *u_;
  S* x_gradient_;
  T* phi_gradient_;
  backward_state<Kind, T> const* state_;
  std::ptrdiff_t channels_, length_, count_;
  place here_, next_;
  std::ptrdiff_t channels_here_;
  bool dynamic_, accumulates_;
  alignas(64) T phi_strips_[(K > 0 ? K : 1) * piece_channels];
  alignas(64) T x_strips_[backward_block * piece_channels];
};

}  // namespace mhc::detail

MHC_END_LANES
