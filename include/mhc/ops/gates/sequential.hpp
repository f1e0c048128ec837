// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/gates/types.hpp>
#include <mhc/ops/tiles.hpp>

#include <cmath>

/// @file
/// From streams to coefficients and back, token by token: what `coefficients`, `pre` and the head of `contract` share.
/// For a normalised row x of M elements, s_k = φ_k·x and r = (|x|²/M + ε)^(−1/2), the gates see ŝ = r s.

namespace mhc::detail {

template <class A, class B, class T = coefficient_t<A>>
T dot(A const* a, B const* b, std::ptrdiff_t count) {
  T total(0);
  for_blocks(count, [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    T part(0);
    for (std::ptrdiff_t c = begin; c < end; ++c) part += T(a[c]) * T(b[c]);
    total += part;
  });
  return total;
}

/// ŝ for every row and score of one token, and r for every row.
template <class Kind, class T>
struct token_scores {
  math::vec<T, scores_of<Kind>> score;
  math::vec<T, Kind::rows> inverse_rms;

  template <class F, class S>
  token_scores(Kind const& kind, F const* phi, S const* x) {
    using std::sqrt;
    std::ptrdiff_t const length = row_length(kind);
    for (int r = 0; r < Kind::rows && is_dynamic(kind); ++r) {
      S const* row = x + r * length;
      inverse_rms[r] = T(1) / sqrt(dot(row, row, length) / static_cast<math::scalar_of<T>>(length) + kind.norm_epsilon);
      for (int k = 0; k < Kind::scores_per_row; ++k)
        score[r * Kind::scores_per_row + k] = inverse_rms[r] * dot(phi + k * length, row, length);
    }
  }
  /// As they have been kept.
  explicit token_scores(T const* kept) {
    for (int k = 0; k < scores_of<Kind>; ++k) score[k] = kept[k];
    for (int r = 0; r < Kind::rows; ++r) inverse_rms[r] = kept[scores_of<Kind> + r];
  }
  void keep(T* to) const {
    for (int k = 0; k < scores_of<Kind>; ++k) to[k] = score[k];
    for (int r = 0; r < Kind::rows; ++r) to[scores_of<Kind> + r] = inverse_rms[r];
  }
};

/// The gradient of one token's coefficients, gathered in the order pre, post, res.
template <class Kind, class S, int N>
math::vec<coefficient_t<S>, Kind::outputs> gather_gradients(gate_output_gradients<S, N> const& in,
                                                            stream_view<S const, N> x, std::ptrdiff_t b) {
  math::vec<coefficient_t<S>, Kind::outputs> g;
  for (int i = 0; i < N; ++i)
    g[i] = in.u.data != nullptr ? dot(in.u.token(b), x.stream(b, i), x.channels) : in.h_pre(b, i);
  if constexpr (Kind::outputs > N) {
    for (int i = 0; i < N; ++i) g[N + i] = in.h_post(b, i);
    for (int k = 0; k < N * N; ++k) g[2 * N + k] = in.h_res.data[b * N * N + k];
  }
  return g;
}

}  // namespace mhc::detail

namespace mhc::cpu {

template <class Kind, class T, class S, int N>
void gates_impl(sequential_policy const&, Kind const& kind, parameters_of<Kind, T const> const& parameters,
                stream_view<S const, N> x, detail::gate_outputs<S, N> const& out) {
  for (std::ptrdiff_t b = 0; b < x.size; ++b) {
    detail::token_scores<Kind, T> const s(kind, parameters.phi, x.stream(b, 0));
    if (out.scores.data != nullptr && is_dynamic(kind)) s.keep(out.scores.token(b));
    auto const h = kind.gate(s.score, parameters.alpha, parameters.bias);
    for (int i = 0; i < N; ++i) out.h_pre(b, i) = h[i];
    if constexpr (Kind::outputs > N) {
      for (int i = 0; i < N; ++i) out.h_post(b, i) = h[N + i];
      for (int k = 0; k < N * N; ++k) out.h_res.data[b * N * N + k] = h[2 * N + k];
    }
    if (out.u.data == nullptr) continue;
    auto const h_pre = detail::load_row<math::vec<T, N>>(out.h_pre.data, b);
    for (std::ptrdiff_t c = 0; c < x.channels; ++c)
      out.u.token(b)[c] = S(math::aggregate(h_pre, detail::load_channel<N>(x.stream(b, 0), x.channels, c)));
  }
}

/// x_gradient gets H_preᵀ ∂u (where u is the output), φᵀ ∂s and the norm's share −(r²/M)(ŝ·∂ŝ) x; the parameters'
/// gradients are added to, token after token.
template <class Kind, class T, class S, int N>
void gates_vjp_impl(sequential_policy const&, Kind const& kind, parameters_of<Kind, T const> const& parameters,
                    stream_view<S const, N> x, detail::gate_output_gradients<S, N> const& in,
                    stream_view<S, N> x_gradient, parameters_of<Kind, T> const& parameters_gradient, update mode) {
  constexpr int K = Kind::scores_per_row, P = N / Kind::rows;
  std::ptrdiff_t const length = row_length(kind);
  bool const dynamic = is_dynamic(kind), kept = dynamic && in.scores.data != nullptr;
  for (std::ptrdiff_t b = 0; b < x.size; ++b) {
    auto const s = kept ? detail::token_scores<Kind, T>(in.scores.token(b))
                        : detail::token_scores<Kind, T>(kind, parameters.phi, x.stream(b, 0));
    auto const d = kind.gate_vjp(s.score, parameters.alpha, parameters.bias, detail::gather_gradients<Kind>(in, x, b));
    for (int k = 0; k < scores_of<Kind>; ++k) parameters_gradient.bias[k] += d.bias[k];
    for (int k = 0; k < Kind::alphas && dynamic; ++k) parameters_gradient.alpha[k] += d.alpha[k];
    for (int i = 0; i < N; ++i) {
      int const r = i / P;
      math::vec<T, K> weight;  // ∂loss/∂s = r ∂loss/∂ŝ
      T norm(0);
      for (int k = 0; k < K && dynamic; ++k) {
        weight[k] = s.inverse_rms[r] * d.scores[r * K + k];
        norm += s.score[r * K + k] * d.scores[r * K + k];
      }
      if (dynamic) norm *= s.inverse_rms[r] * s.inverse_rms[r] / static_cast<math::scalar_of<T>>(length);
      for (std::ptrdiff_t c = 0; c < x.channels; ++c) {
        S& g = x_gradient.stream(b, i)[c];
        T const value = x.stream(b, i)[c];
        T sum = mode == update::accumulate ? T(g) : T(0);
        if (in.u.data != nullptr) sum += d.h_pre[i] * T(in.u.token(b)[c]);
        for (int k = 0; k < K && dynamic; ++k) {
          std::ptrdiff_t const at = k * length + i % P * x.channels + c;
          sum += weight[k] * T(parameters.phi[at]);
          parameters_gradient.phi[at] += weight[k] * value;
        }
        if (dynamic) sum -= norm * value;
        g = S(sum);
      }
    }
  }
}

}  // namespace mhc::cpu
