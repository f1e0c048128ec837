// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/views.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/gates/backward_tokens.hpp>
#include <mhc/ops/gates/products.hpp>
#include <mhc/ops/gates/types.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/large_tensors.hpp>
#include <mhc/ops/parameters.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

/// @file
/// The second phase of the backward pass of the gates, when all tokens have had the first: x_gradient and the gradient of φ.

MHC_BEGIN_LANES

namespace mhc::detail {

/// Channels per piece of phase 2, at most: those of φ and of x for a block of tokens, 144 KiB of a thread's stack, stay in the
/// second level of the cache. With fewer a page of memory is visited more often, and there are more pages than the processor
/// keeps the addresses of.
template <class Kind, class T>
inline constexpr std::ptrdiff_t piece_channels =
    std::clamp<std::ptrdiff_t>((144 << 10) / ((Kind::scores_per_row + backward_block) * std::ptrdiff_t(sizeof(T))), 48,
                               384) /
    48 * 48;

/// How channels are cut into pieces, as many of each stream and almost equal: whole strips of any registers.
struct channel_pieces {
  std::ptrdiff_t channels, width, per_stream;

  /// No fewer than there are threads, as far as there are channels for them.
  static channel_pieces of(std::ptrdiff_t channels, std::ptrdiff_t most, int streams, int threads) {
    constexpr std::ptrdiff_t step = 48;
    std::ptrdiff_t const wanted =
        std::max((channels + most - 1) / most, (threads + streams - 1) / std::ptrdiff_t(streams));
    std::ptrdiff_t const width = ((channels + wanted - 1) / wanted + step - 1) / step * step;
    return {channels, width, (channels + width - 1) / width};
  }
};

/// Channels begin … begin + count − 1 of one stream, what a thread has to itself in phase 2.
struct channel_range {
  int stream;
  std::ptrdiff_t begin, count;

  /// Piece number `piece`: stream after stream, so that what neighbouring pieces write lies together. Where it ends, the
  /// processor itself asks for what lies behind, which is another core's that is about to write it. Streams that share their
  /// columns of φ take turns, because the first of them has more to do.
  template <class Kind>
  static channel_range of(channel_pieces const& pieces, std::ptrdiff_t piece) {
    constexpr int streams = Kind::streams;
    bool const in_turn = Kind::rows > 1;
    std::ptrdiff_t const stream = in_turn ? piece % streams : piece / pieces.per_stream;
    std::ptrdiff_t const begin = (in_turn ? piece / streams : piece % pieces.per_stream) * pieces.width;
    return {static_cast<int>(stream), begin, std::min(pieces.width, pieces.channels - begin)};
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
template <class V, class Kind, class F, class T, class S, int N>
class backward_range {
  static constexpr int K = Kind::scores_per_row, R = product_rows<V>, C = product_registers;
  static constexpr std::ptrdiff_t W = width<V>;
  /// Elements of a token up to which a block of x stays in half of a second-level cache of 1 MiB. It has been asked for while
  /// the block before was worked on, and most of it read in the first phase, so the next block is asked for, not the next rows.
  static constexpr std::ptrdiff_t short_token = (1 << 19) / (backward_block * static_cast<std::ptrdiff_t>(sizeof(S)));
  template <int Registers>
  using strip = T[Registers][V::size];

 public:
  /// Of the tokens of x and `in` that `state` has from the first phase; `more` of x: it goes on behind them.
  backward_range(Kind const& gates, F const* phi, stream_view<S const, N> x, gate_output_gradients<S, N> const& in,
                 backward_state<Kind, T> const& state, stream_view<S, N> x_gradient, update mode, bool past_cache,
                 T* phi_gradient, channel_range here, channel_range next, bool more)
      : phi_(phi),
        x_(x.data),
        u_(in.u.data),
        x_gradient_(x_gradient.data),
        phi_gradient_(phi_gradient),
        state_(&state),
        channels_(x.channels),
        length_(row_length(gates)),
        left_(x.size),
        here_(at(gates, here)),
        next_(at(gates, next)),
        channels_here_(here.count),
        next_block_(more && N * x.channels <= short_token ? x.size * N * x.channels : 0),
        dynamic_(is_dynamic(gates)),
        accumulates_(mode == update::accumulate),
        past_(past_cache) {}

  void run() {
    if (dynamic_)
      for_strips([&]<int Registers>(std::integral_constant<int, Registers>, std::ptrdiff_t c, auto lanes)
                     MHC_ALWAYS_INLINE {
                       for (int k = 0; k < K; ++k)
                         copy(phi_ + k * length_ + here_.in_phi + c, phi_strip<Registers>(c)[k], lanes);
                     });
    while (left_ > 0) run_block(std::min(backward_block, left_));
  }

 private:
  /// Where a range begins: its stream, and in a token, in a row of φ, and within a stream.
  struct place {
    int stream;
    std::ptrdiff_t in_token, in_phi, in_stream;
  };
  place at(Kind const& gates, channel_range const& range) const {
    return {range.stream, range.stream * channels_ + range.begin, range.column(gates), range.begin};
  }

  /// x_gradient of the next `count` tokens, and the gradient of φ where no other stream shares these channels, or all do and
  /// this is the first.
  void run_block(std::ptrdiff_t count) {
    std::ptrdiff_t t = 0;
    for (; t + R <= count; t += R) some_tokens<R>(t, count);
    for (; t < count; ++t) some_tokens<1>(t, count);
    if (K > 0 && dynamic_ && (Kind::rows == 1 || here_.stream == 0)) all_scores(count * Kind::rows);
    x_ += count * N * channels_;
    x_gradient_ += count * N * channels_;
    if (u_ != nullptr) u_ += count * channels_;
    done_ += count;
    left_ -= count;
  }
  void all_scores(std::ptrdiff_t rows) {
    for (std::ptrdiff_t q = 0; q < rows; q += backward_block) {
      std::ptrdiff_t const some = std::min(backward_block, rows - q);
      for_strips([&]<int Registers>(std::integral_constant<int, Registers>, std::ptrdiff_t c, auto lanes)
                     MHC_ALWAYS_INLINE {
                       strip<Registers>* const x = x_strip<Registers>(c);
                       for (std::ptrdiff_t p = 0; p < some && Kind::rows > 1; ++p)
                         copy(x_ + (q + p) * length_ + here_.in_stream + c, x[p], lanes);
                       int k = 0;
                       for (; k + R <= K; k += R) some_scores<R>(k, q, some, x, c, lanes);
                       if constexpr (K % R > 0) some_scores<K % R>(k, q, some, x, c, lanes);
                     });
    }
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
  void some_tokens(std::ptrdiff_t t, std::ptrdiff_t count) {
    for_strips([&]<int Registers>(std::integral_constant<int, Registers>, std::ptrdiff_t c, auto lanes)
                   MHC_ALWAYS_INLINE { tokens<M, Registers>(t, count, c, lanes); });
  }

  template <int Registers, class E>
  MHC_ALWAYS_INLINE static void copy(E const* from, strip<Registers>& to, auto lanes) {
    MHC_UNROLL for (int j = 0; j < Registers; ++j) load_channels<V>(from + j * W, lanes).store_aligned(to[j]);
  }
  /// R rows from `at` on, which may go on beyond the last.
  template <int Registers, class E>
  MHC_ALWAYS_INLINE static void ask(E const* p, std::ptrdiff_t at, std::ptrdiff_t stride) {
    MHC_UNROLL for (int m = 0; m < R; ++m, at += stride) MHC_UNROLL for (int j = 0; j < Registers; ++j)
        prefetch<2>(p, at + j * W);
  }

  /// Tokens t … t + M − 1: H_preᵀ ∂u − (norm) x + W Φ with W = ∂loss/∂s, rounded once. Where φ has columns for these channels
  /// alone, x is copied on the way.
  template <int M, int Registers>
  MHC_ALWAYS_INLINE void tokens(std::ptrdiff_t t, std::ptrdiff_t count, std::ptrdiff_t c, auto lanes) {
    std::ptrdiff_t const stride = N * channels_;
    bool const goes_on = t + M < left_;
    std::ptrdiff_t const t_ahead = goes_on ? t + M : -done_;
    place const ahead = goes_on ? here_ : next_;
    int const i = here_.stream, r = Kind::rows == 1 ? 0 : i;
    S const* x = x_ + t * stride + here_.in_token + c;
    S* const first = x_gradient_ + t * stride + here_.in_token + c;
    V sum[M][Registers];
    MHC_UNROLL for (int m = 0; m < M; ++m) MHC_UNROLL for (int j = 0; j < Registers; ++j) sum[m][j] = V(T(0));
    if (accumulates_) {
      S const* to = first;
      MHC_UNROLL for (int m = 0; m < M; ++m, to += stride) MHC_UNROLL for (int j = 0; j < Registers; ++j) sum[m][j] =
          load_channels<V>(to + j * W, lanes);
    }
    if (u_ != nullptr) {
      S const* u = u_ + t * channels_ + here_.in_stream + c;
      if (Kind::rows == 1 || ahead.stream == 0)
        ask<Registers>(u_, t_ahead * channels_ + ahead.in_stream + c, channels_);
      MHC_UNROLL for (int m = 0; m < M; ++m, u += channels_) {
        V const h(state_->h_pre[done_ + t + m][i]);
        MHC_UNROLL for (int j = 0; j < Registers; ++j) sum[m][j] =
            multiply_add(h, load_channels<V>(u + j * W, lanes), sum[m][j]);
      }
    }
    std::ptrdiff_t const token_ahead = t_ahead * stride + ahead.in_token + c;
    if (dynamic_) {
      if (t + M >= count && Kind::rows == 1) ask<Registers>(phi_gradient_, here_.in_phi + c, length_);
      MHC_UNROLL for (int m = 0; m < M; ++m, x += stride) {
        V const minus(-state_->norm[done_ + t + m][r]);
        MHC_UNROLL for (int j = 0; j < Registers; ++j) {
          sum[m][j] = multiply_add(minus, load_channels<V>(x + j * W, lanes), sum[m][j]);
        }
      }
      std::ptrdiff_t const token = t * stride + here_.in_token + c;
      std::ptrdiff_t const x_ahead = next_block_ > 0 ? token + next_block_ : token_ahead;
      S const* const written = past_ ? x_ : x_gradient_;  // what goes past the cache is not to be there
      auto const copy_and_ask = [&](int m, int j) MHC_ALWAYS_INLINE {
        if (Kind::rows == 1 && (M == R || m < M)) {
          V some = load_channels<V>(x_ + token + m * stride + j * W, lanes);
          hold(some);
          some.store_aligned(x_strip<Registers>(c)[t + m][j]);
        }
        prefetch<2>(x_, x_ahead + m * stride + j * W);
        prefetch<2>(written, token_ahead + m * stride + j * W);
      };
      add_weighted<backward_state<Kind, T>::tokens>(&state_->weight_by_score[r * K][done_ + t], phi_strip<Registers>(c),
                                                    K, sum, copy_and_ask);
    } else if (!past_) {
      ask<Registers>(x_gradient_, token_ahead, stride);
    }
    auto const store = [&](bool past) MHC_ALWAYS_INLINE {
      S* to = first;
      MHC_UNROLL for (int m = 0; m < M; ++m, to += stride) MHC_UNROLL for (int j = 0; j < Registers; ++j)
          store_line(past, sum[m][j], to + j * W, lanes);
    };
    past_ ? store(true) : store(false);
  }

  /// Rows k … k + M − 1 of ∂loss/∂Φ += Wᵀ X, over rows q … of x in their order.
  template <int M, int Registers>
  MHC_ALWAYS_INLINE void some_scores(int k, std::ptrdiff_t q, std::ptrdiff_t rows, strip<Registers> const* x,
                                     std::ptrdiff_t c, auto lanes) {
    T* const first = phi_gradient_ + k * length_ + here_.in_phi + c;
    std::ptrdiff_t const phi_ahead = k * length_ + next_.in_phi + c;
    std::ptrdiff_t const gradient_ahead = k + M < K ? M * length_ : 0;  // of the last rows, they themselves: no branch
    bool const asks_phi = Kind::rows == 1 && left_ <= backward_block;
    V sum[M][Registers];
    T* to = first;
    MHC_UNROLL for (int m = 0; m < M; ++m, to += length_) MHC_UNROLL for (int j = 0; j < Registers; ++j) sum[m][j] =
        load_channels<V>(to + j * W, lanes);
    auto const ask_ahead = [&](int m, int j) MHC_ALWAYS_INLINE {
      prefetch<2>(first, gradient_ahead + m * length_ + j * W);
      if (asks_phi) prefetch<2>(phi_, phi_ahead + m * length_ + j * W);
    };
    add_weighted<K>(&state_->weight[done_][0] + q * K + k, x, rows, sum, ask_ahead);
    to = first;
    MHC_UNROLL for (int m = 0; m < M; ++m, to += length_) MHC_UNROLL for (int j = 0; j < Registers; ++j)
        store_channels(sum[m][j], to + j * W, lanes);
  }

  F const* phi_;
  S const *x_, *u_;
  S* x_gradient_;
  T* phi_gradient_;
  backward_state<Kind, T> const* state_;
  std::ptrdiff_t channels_, length_, left_, done_ = 0;
  place here_, next_;
  std::ptrdiff_t channels_here_, next_block_;
  bool dynamic_, accumulates_, past_;
  alignas(64) T phi_strips_[(K > 0 ? K : 1) * piece_channels<Kind, T>];
  alignas(64) T x_strips_[backward_block * piece_channels<Kind, T>];
};

}  // namespace mhc::detail

MHC_END_LANES
