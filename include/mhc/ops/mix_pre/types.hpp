// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/views.hpp>
#include <mhc/ops/gates/types.hpp>
#include <mhc/ops/mix/types.hpp>
#include <mhc/ops/parameters.hpp>

#include <cstddef>

namespace mhc::detail {

/// What a backend of `mix_pre` gets, already checked. S is the element of streams.
template <class Kind, class S>
struct mix_pre_arguments {
  using T = coefficient_t<S>;
  static constexpr int N = Kind::streams;

  batch_view<T const, N> h_res;
  vector_view<T const, N> h_post;
  stream_view<S const, N> x;
  token_view<S const> y;
  Kind kind;
  parameters_of<Kind, T const> parameters;
  stream_view<S, N> x_next;
  gate_outputs<S, N> next;
};

/// And of `mix_pre_vjp`.
template <class Kind, class S>
struct mix_pre_vjp_arguments {
  using T = coefficient_t<S>;
  static constexpr int N = Kind::streams;

  Kind kind;
  parameters_of<Kind, T const> parameters;
  stream_view<S const, N> x_next;
  gate_output_gradients<S, N> next;
  stream_view<S, N> x_next_gradient;
  mix_vjp_arguments<S, N> mix;
  parameters_of<Kind, T> parameters_gradient;
};

// Tokens first … first + n − 1 of what an operation is given.

template <class Kind, class S>
constexpr mix_pre_arguments<Kind, S> tokens_of(mix_pre_arguments<Kind, S> const& a, std::ptrdiff_t first,
                                               std::ptrdiff_t n) {
  auto const some = [&](auto const& view) { return tokens_of(view, first, n); };
  return {some(a.h_res), some(a.h_post), some(a.x), some(a.y), a.kind, a.parameters, some(a.x_next), some(a.next)};
}
template <class S, int N>
constexpr mix_vjp_arguments<S, N> tokens_of(mix_vjp_arguments<S, N> const& a, std::ptrdiff_t first, std::ptrdiff_t n) {
  auto const some = [&](auto const& view) { return tokens_of(view, first, n); };
  return {
      some(a.h_res),          some(a.h_post),          some(a.x),          some(a.y),          some(a.x_next_gradient),
      some(a.h_res_gradient), some(a.h_post_gradient), some(a.x_gradient), some(a.y_gradient), a.x_gradient_update};
}
template <class Kind, class S>
constexpr mix_pre_vjp_arguments<Kind, S> tokens_of(mix_pre_vjp_arguments<Kind, S> const& a, std::ptrdiff_t first,
                                                   std::ptrdiff_t n) {
  auto const some = [&](auto const& view) { return tokens_of(view, first, n); };
  return {a.kind,      a.parameters,         some(a.x_next), some(a.next), some(a.x_next_gradient),
          some(a.mix), a.parameters_gradient};
}

}  // namespace mhc::detail
