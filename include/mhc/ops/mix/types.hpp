// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>

namespace mhc {

/// What a backend of `mix_vjp` gets, already checked. S is the element of streams.
template <class S, int N>
struct mix_vjp_arguments {
  using T = coefficient_t<S>;

  batch_view<T const, N> h_res;
  vector_view<T const, N> h_post;
  stream_view<S const, N> x;
  token_view<S const> y;
  stream_view<S const, N> x_next_gradient;
  batch_view<T, N> h_res_gradient;
  vector_view<T, N> h_post_gradient;
  stream_view<S, N> x_gradient;
  token_view<S> y_gradient;
  update x_gradient_update;
};

}  // namespace mhc
