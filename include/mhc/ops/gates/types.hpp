// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/views.hpp>

#include <cstddef>

namespace mhc {

namespace detail {

/// Where the coefficients of a token go, and u = H_pre x and its scores and inverse norms where they are wanted (data not
/// null). S is the element of streams.
template <class S, int N>
struct gate_outputs {
  using T = coefficient_t<S>;

  vector_view<T, N> h_pre;
  vector_view<T, N> h_post;
  batch_view<T, N> h_res;
  token_view<S> u;
  token_view<T> scores = {};
};

/// What comes back: the gradient of u, or of H_pre itself; of H_post and H_res where the kind has them. And the scores, if
/// forward has kept them.
template <class S, int N>
struct gate_output_gradients {
  using T = coefficient_t<S>;

  token_view<S const> u;
  vector_view<T const, N> h_pre;
  vector_view<T const, N> h_post;
  batch_view<T const, N> h_res;
  token_view<T const> scores = {};
};

/// The rows of a score_view.
template <class T, int K>
constexpr token_view<T> rows_of_scores(vector_view<T, K> scores) {
  return {scores.data, scores.size, K};
}

// Tokens first … first + n − 1 of what an operation is given; a view of nothing stays one.

template <class T, int K>
constexpr vector_view<T, K> tokens_of(vector_view<T, K> v, std::ptrdiff_t first, std::ptrdiff_t n) {
  return v.data == nullptr ? v : vector_view<T, K>{v.data + first * K, n};
}
template <class T, int N>
constexpr batch_view<T, N> tokens_of(batch_view<T, N> v, std::ptrdiff_t first, std::ptrdiff_t n) {
  return v.data == nullptr ? v : batch_view<T, N>{v.data + first * N * N, n};
}
template <class S, int N>
constexpr stream_view<S, N> tokens_of(stream_view<S, N> v, std::ptrdiff_t first, std::ptrdiff_t n) {
  return v.data == nullptr ? v : stream_view<S, N>{v.stream(first, 0), n, v.channels};
}
template <class S>
constexpr token_view<S> tokens_of(token_view<S> v, std::ptrdiff_t first, std::ptrdiff_t n) {
  return v.data == nullptr ? v : token_view<S>{v.token(first), n, v.channels};
}
template <class S, int N>
constexpr gate_outputs<S, N> tokens_of(gate_outputs<S, N> const& o, std::ptrdiff_t first, std::ptrdiff_t n) {
  return {tokens_of(o.h_pre, first, n), tokens_of(o.h_post, first, n), tokens_of(o.h_res, first, n),
          tokens_of(o.u, first, n), tokens_of(o.scores, first, n)};
}
template <class S, int N>
constexpr gate_output_gradients<S, N> tokens_of(gate_output_gradients<S, N> const& g, std::ptrdiff_t first,
                                                std::ptrdiff_t n) {
  return {tokens_of(g.u, first, n), tokens_of(g.h_pre, first, n), tokens_of(g.h_post, first, n),
          tokens_of(g.h_res, first, n), tokens_of(g.scores, first, n)};
}

}  // namespace detail
}  // namespace mhc
