// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/views.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/gates/scores.hpp>
#include <mhc/ops/gates/types.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/parameters.hpp>
#include <mhc/ops/rows.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

/// @file
/// The first phase of the backward pass of the gates: what belongs to one token.

MHC_BEGIN_LANES

namespace mhc::detail {

/// Tokens after which the gradient of φ has been to memory: sums are taken in blocks that no thread shows in.
inline constexpr std::ptrdiff_t backward_block = 64;

/// What the backward pass keeps of some blocks of tokens, on the stack, between its two phases.
template <class Kind, class T>
struct backward_state {
  static constexpr int S = scores_of<Kind> > 0 ? scores_of<Kind> : 1;
  static constexpr int A = Kind::alphas > 0 ? Kind::alphas : 1;
  static constexpr int N = Kind::streams;
  /// Blocks of which there is room, in 256 KiB.
  static constexpr std::ptrdiff_t numbers = 4 * S + A + N + 2 * Kind::rows + Kind::outputs;
  static constexpr std::ptrdiff_t blocks =
      std::clamp<std::ptrdiff_t>((1 << 18) / (numbers * backward_block * static_cast<std::ptrdiff_t>(sizeof(T))), 1, 4);
  static constexpr std::ptrdiff_t tokens = blocks * backward_block;

  score_block<Kind, T, tokens> scores;
  T weight[tokens][S];  ///< ∂loss/∂s = r ∂loss/∂ŝ
  T weight_by_score[S][tokens];
  T norm[tokens][Kind::rows];  ///< (r²/M) ŝ·∂loss/∂ŝ
  T bias[tokens][S];           ///< this token's share of the gradient of b
  T alpha[tokens][A];          ///< and of α
  T h_pre[tokens][N];
  T output_gradient[tokens][Kind::outputs];

  /// How many tokens go through the first phase before the second: as many blocks as stay in a cache of 1 MiB, which threads
  /// wait less often for each other with, or as threads have something to do with.
  static std::ptrdiff_t tokens_at_once(std::ptrdiff_t token_bytes, int threads) {
    if (threads == 1) return backward_block;
    std::ptrdiff_t const cached = (1 << 20) / std::max<std::ptrdiff_t>(1, token_bytes * backward_block);
    std::ptrdiff_t const busy = (threads * forward_step + backward_block - 1) / backward_block;
    return std::clamp<std::ptrdiff_t>(std::max(cached, busy), 1, blocks) * backward_block;
  }
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
                     gate_output_gradients<S, N> const& in, backward_state<Kind, T>& state, std::ptrdiff_t t,
                     std::ptrdiff_t n) {
  constexpr int K = Kind::scores_per_row;
  if (in.scores.data != nullptr && is_dynamic(kind))
    state.scores.recall(in.scores, t, n, t);
  else
    state.scores.template compute<V>(kind, parameters.phi, x, t, n, t);
  for (std::ptrdiff_t w = t; w < t + n; ++w) {
    T* g = state.output_gradient[w];
    if (in.u.data != nullptr)
      at_level_of(x, writing::little, [&](auto first_level) MHC_ALWAYS_INLINE {
        dot_streams(first_level, rows_of<V>(x, w), rows_of<V>(in.u, w), x.channels, g);
      });
    else
      for (int i = 0; i < N; ++i) g[i] = in.h_pre(w, i);
    if constexpr (Kind::outputs > N) {
      for (int i = 0; i < N; ++i) g[N + i] = in.h_post(w, i);
      for (int k = 0; k < N * N; ++k) g[2 * N + k] = in.h_res.data[w * N * N + k];
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

/// Of b and α, over the tokens t … t + n − 1 in their order.
template <class Kind, class T>
void add_own_gradients(Kind const& kind, backward_state<Kind, T> const& state, std::ptrdiff_t t, std::ptrdiff_t n,
                       parameters_of<Kind, T> const& gradient) {
  for (int k = 0; k < scores_of<Kind>; ++k) {
    T sum(0);
    for (std::ptrdiff_t w = t; w < t + n; ++w) sum += state.bias[w][k];
    gradient.bias[k] += sum;
  }
  for (int k = 0; k < Kind::alphas && is_dynamic(kind); ++k) {
    T sum(0);
    for (std::ptrdiff_t w = t; w < t + n; ++w) sum += state.alpha[w][k];
    gradient.alpha[k] += sum;
  }
}

}  // namespace mhc::detail

MHC_END_LANES
