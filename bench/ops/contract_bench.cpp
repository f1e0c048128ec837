// SPDX-License-Identifier: MIT
// The mean of the streams, and the learned head; its φ, α and b are shared by all tokens and do not count as bytes.

#include "support/cases.hpp"
#include "support/connections.hpp"
#include "support/naive_gates.hpp"
#include "support/naive_streams.hpp"

#include <mhc/ops/contract/contract.hpp>

#include <algorithm>
#include <cmath>

namespace {

template <class T, int N>
struct tensors {
  using scalar = T;
  static constexpr bool matrix_case = false;

  std::ptrdiff_t channels, tokens;

  tensors(std::ptrdiff_t c, std::ptrdiff_t count) : channels(c), tokens(count) {}
  std::ptrdiff_t items() const { return tokens; }
};

template <class T, int N>
struct mean : tensors<T, N> {
  static constexpr char const* name = "contract/mean";
  static bench::work todo(bench::sizes const& s) { return {bench::mean(s)}; }

  T *x, *u;

  mean(bench::memory& m, std::ptrdiff_t c)
      : tensors<T, N>(c, bench::streaming_tokens<T, N>(c)),
        x(m.gaussian<T>(this->tokens * N * c)),
        u(m.output<T>(this->tokens * c)) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const { return {{u, count * this->channels}}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::contract(policy, mhc::contraction::mean, mhc::stream_view<T const, N>{x, count, this->channels},
                  {u, count, this->channels});
  }
  void run_naive(std::ptrdiff_t count) const {
    for (std::ptrdiff_t b = 0; b < count; ++b)
      naive::token_of(u, b, this->channels) = naive::streams_of<N>(x, b, this->channels).colwise().mean();
  }
};

template <class T, int N>
struct mean_vjp : tensors<T, N> {
  static constexpr char const* name = "contract/mean_vjp";
  static bench::work todo(bench::sizes const& s) { return {bench::mean_vjp(s)}; }

  T *u_gradient, *x_gradient;

  mean_vjp(bench::memory& m, std::ptrdiff_t c)
      : tensors<T, N>(c, bench::streaming_tokens<T, N>(c)),
        u_gradient(m.gaussian<T>(this->tokens * c)),
        x_gradient(m.output<T>(this->tokens * N * c)) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const {
    return {{x_gradient, count * N * this->channels}};
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::contract_vjp(policy, mhc::contraction::mean, {u_gradient, count, this->channels},
                      mhc::stream_view<T, N>{x_gradient, count, this->channels});
  }
  void run_naive(std::ptrdiff_t count) const {
    for (std::ptrdiff_t b = 0; b < count; ++b)
      naive::streams_of<N>(x_gradient, b, this->channels).rowwise() =
          naive::token_of(u_gradient, b, this->channels) / T(N);
  }
};

/// Scores about N(0, 1), so that the sigmoids are at work.
template <class T, int N>
struct head_tensors : tensors<T, N> {
  mhc::head<T, N> connection{.channels = this->channels};
  T *x, *phi, *alpha, *bias;
  mutable naive::scores<T, N, N> scores;  // its temporaries

  head_tensors(bench::memory& m, std::ptrdiff_t c)
      : tensors<T, N>(c, bench::scored_tokens<T, N>(c, N)),
        x(m.gaussian<T>(this->tokens * N * c)),
        phi(m.gaussian<T>(N * N * c)),
        alpha(m.output<T>(1)),
        bias(m.gaussian<T>(N)) {
    for (std::ptrdiff_t k = 0; k < N * N * c; ++k) phi[k] /= std::sqrt(T(N * c));
    *alpha = 1;
  }

  mhc::stream_view<T const, N> streams(std::ptrdiff_t count) const { return {x, count, this->channels}; }
  mhc::head_parameters<T const, N> parameters() const { return {phi, alpha, bias}; }
  naive::column<T, N> naive_weights(std::ptrdiff_t b) const {
    naive::column<T, N> const h =
        *alpha * scores.value.row(b).transpose() + Eigen::Map<naive::column<T, N> const>(bias);
    return ((-h.array()).exp() + T(1)).inverse();
  }
};

template <class T, int N>
struct head : head_tensors<T, N> {
  static constexpr char const* name = "contract/head";
  static bench::work todo(bench::sizes const& s) { return {bench::head(s)}; }

  T *h_pre, *u;

  head(bench::memory& m, std::ptrdiff_t c)
      : head_tensors<T, N>(m, c), h_pre(m.output<T>(this->tokens * N)), u(m.output<T>(this->tokens * c)) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const {
    return {{h_pre, count * N}, {u, count * this->channels}};
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::contract(policy, this->connection, this->parameters(), this->streams(count), {h_pre, count},
                  {u, count, this->channels});
  }
  void run_naive(std::ptrdiff_t count) const {
    this->scores.forward(this->x, this->phi, this->connection.norm_epsilon, count, this->channels);
    for (std::ptrdiff_t b = 0; b < count; ++b) naive::vector_of<N>(h_pre, b) = this->naive_weights(b);
    naive::aggregate<N>(h_pre, this->x, u, count, this->channels);
  }
};

template <class T, int N>
struct head_vjp : head_tensors<T, N> {
  static constexpr char const* name = "contract/head_vjp";
  static bench::work todo(bench::sizes const& s) { return {bench::head_vjp(s)}; }

  T *u_gradient, *x_gradient, *phi_gradient, *alpha_gradient, *bias_gradient;

  head_vjp(bench::memory& m, std::ptrdiff_t c)
      : head_tensors<T, N>(m, c),
        u_gradient(m.gaussian<T>(this->tokens * c)),
        x_gradient(m.output<T>(this->tokens * N * c)),
        phi_gradient(m.gaussian<T>(N * N * c)),
        alpha_gradient(m.gaussian<T>(1)),
        bias_gradient(m.gaussian<T>(N)) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const {
    return {{x_gradient, count * N * this->channels},
            {phi_gradient, N * N * this->channels, true},
            {alpha_gradient, 1, true},
            {bias_gradient, N, true}};
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    auto const C = this->channels;
    mhc::contract_vjp(policy, this->connection, this->parameters(), this->streams(count), {u_gradient, count, C},
                      {x_gradient, count, C}, {phi_gradient, alpha_gradient, bias_gradient});
  }
  void run_naive(std::ptrdiff_t count) const {
    auto const C = this->channels;
    this->scores.forward(this->x, this->phi, this->connection.norm_epsilon, count, C);
    for (std::ptrdiff_t b = 0; b < count; ++b) {
      naive::column<T, N> const h = this->naive_weights(b);
      naive::column<T, N> const g = naive::streams_of<N>(this->x, b, C) * naive::token_of(u_gradient, b, C).transpose();
      naive::column<T, N> const logit_gradient = g.array() * h.array() * (T(1) - h.array());
      *alpha_gradient += this->scores.value.row(b).dot(logit_gradient.transpose());
      naive::vector_of<N>(bias_gradient, 0) += logit_gradient;
      this->scores.gradient.row(b) = *this->alpha * logit_gradient.transpose();
    }
    this->scores.vjp(this->x, this->phi, x_gradient, phi_gradient, count, C);
    for (std::ptrdiff_t b = 0; b < count; ++b)
      naive::streams_of<N>(x_gradient, b, C).noalias() += this->naive_weights(b) * naive::token_of(u_gradient, b, C);
  }
};

[[maybe_unused]] bool const added = bench::add_token_cases<mean, mean_vjp, head, head_vjp>();

}  // namespace
