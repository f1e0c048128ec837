// SPDX-License-Identifier: MIT
#pragma once

#include "support/cases.hpp"
#include "support/naive_gates.hpp"

#include <mhc/ops/connections.hpp>
#include <mhc/projections/sinkhorn.hpp>

/// @file
/// The tensors of one connection, for the cases of `coefficients` and `pre`.

namespace bench {

/// mHC as published: 20 Sinkhorn iterations, unrolled gradient. φ is so small, and α so large, that the scores are about
/// N(0, 1) and every gate is at work.
template <class T, int N>
struct connection_tensors {
  using scalar = T;
  static constexpr bool matrix_case = false;
  static constexpr int K = 2 * N + N * N;

  std::ptrdiff_t channels, tokens;
  mhc::connection<T, N, mhc::sinkhorn<>> connection{.channels = channels};
  T *x, *phi, *alpha, *bias;
  mutable naive::gates<T, N> naive_gates;  // its temporaries

  connection_tensors(memory& m, std::ptrdiff_t c, std::ptrdiff_t count)
      : channels(c),
        tokens(count),
        x(m.gaussian<T>(tokens * N * c)),
        phi(m.gaussian<T>(K * N * c)),
        alpha(m.output<T>(3)),
        bias(m.gaussian<T>(K)) {
    for (std::ptrdiff_t k = 0; k < K * N * c; ++k) phi[k] /= std::sqrt(T(N * c));
    std::fill_n(alpha, 3, T(1));
  }

  connection_tensors(memory& m, std::ptrdiff_t c) : connection_tensors(m, c, scored_tokens<T, N>(c, K)) {}

  std::ptrdiff_t items() const { return tokens; }
  mhc::stream_view<T const, N> streams(std::ptrdiff_t count) const { return {x, count, channels}; }
  mhc::connection_parameters<T const, N, mhc::sinkhorn<>> parameters() const { return {phi, alpha, bias}; }
};

/// And of its gradients, which are added to where they are parameters'.
template <class T, int N>
struct connection_gradients : connection_tensors<T, N> {
  using base = connection_tensors<T, N>;
  using base::K;

  T *h_post_gradient, *h_res_gradient, *x_gradient, *phi_gradient, *alpha_gradient, *bias_gradient;

  connection_gradients(memory& m, std::ptrdiff_t c, std::ptrdiff_t count)
      : base(m, c, count),
        h_post_gradient(m.gaussian<T>(this->tokens * N)),
        h_res_gradient(m.gaussian<T>(this->tokens * N * N)),
        x_gradient(m.output<T>(this->tokens * N * c)),
        phi_gradient(m.gaussian<T>(K * N * c)),
        alpha_gradient(m.gaussian<T>(3)),
        bias_gradient(m.gaussian<T>(K)) {}
  connection_gradients(memory& m, std::ptrdiff_t c) : connection_gradients(m, c, scored_tokens<T, N>(c, K)) {}

  std::vector<output<T>> results(std::ptrdiff_t count) const {
    return {{x_gradient, count * N * this->channels},
            {phi_gradient, K * N * this->channels, true},
            {alpha_gradient, 3, true},
            {bias_gradient, K, true}};
  }
  mhc::stream_view<T, N> streams_gradient(std::ptrdiff_t count) const { return {x_gradient, count, this->channels}; }
  mhc::connection_parameters<T, N, mhc::sinkhorn<>> parameters_gradient() const {
    return {phi_gradient, alpha_gradient, bias_gradient};
  }
};

}  // namespace bench
