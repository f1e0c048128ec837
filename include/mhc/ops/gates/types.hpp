// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/views.hpp>

namespace mhc {

namespace detail {

/// Where the coefficients of a token go, and u = H_pre x where it is wanted (data not null). S is the element of streams.
template <class S, int N>
struct gate_outputs {
  using T = coefficient_t<S>;

  vector_view<T, N> h_pre;
  vector_view<T, N> h_post;
  batch_view<T, N> h_res;
  token_view<S> u;
};

/// What comes back: the gradient of u, or of H_pre itself; of H_post and H_res where the kind has them.
template <class S, int N>
struct gate_output_gradients {
  using T = coefficient_t<S>;

  token_view<S const> u;
  vector_view<T const, N> h_pre;
  vector_view<T const, N> h_post;
  batch_view<T const, N> h_res;
};

}  // namespace detail
}  // namespace mhc
