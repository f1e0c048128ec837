// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>

namespace mhc::cpu {

template <class S, int N>
void expand_impl(sequential_policy const&, token_view<S const> y, stream_view<S, N> x) {
  for (std::ptrdiff_t b = 0; b < x.size; ++b)
    for (int i = 0; i < N; ++i)
      for (std::ptrdiff_t c = 0; c < x.channels; ++c) x.stream(b, i)[c] = y.token(b)[c];
}

template <class S, int N>
void expand_vjp_impl(sequential_policy const&, stream_view<S const, N> x_gradient, token_view<S> y_gradient) {
  for (std::ptrdiff_t b = 0; b < x_gradient.size; ++b)
    for (std::ptrdiff_t c = 0; c < x_gradient.channels; ++c) {
      coefficient_t<S> sum = x_gradient.stream(b, 0)[c];
      for (int i = 1; i < N; ++i) sum += x_gradient.stream(b, i)[c];
      y_gradient.token(b)[c] = S(sum);
    }
}

}  // namespace mhc::cpu
