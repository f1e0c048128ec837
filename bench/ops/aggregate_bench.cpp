// SPDX-License-Identifier: MIT

#include "support/cases.hpp"
#include "support/naive_streams.hpp"

#include <mhc/ops/aggregate/aggregate.hpp>

namespace {

template <class T, int N>
struct tensors {
  using scalar = T;
  static constexpr bool matrix_case = false;

  std::ptrdiff_t channels, tokens;
  T *h_pre, *x;

  tensors(bench::memory& m, std::ptrdiff_t c)
      : channels(c),
        tokens(bench::streaming_tokens<T, N>(c)),
        h_pre(m.gaussian<T>(tokens * N)),
        x(m.gaussian<T>(tokens * N * c)) {}

  std::ptrdiff_t items() const { return tokens; }
};

template <class T, int N>
struct aggregate : tensors<T, N> {
  static constexpr char const* name = "aggregate/forward";
  static bench::work todo(bench::sizes const& s) { return {bench::aggregate(s)}; }

  T* u;

  aggregate(bench::memory& m, std::ptrdiff_t c) : tensors<T, N>(m, c), u(m.output<T>(this->tokens * c)) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const { return {{u, count * this->channels}}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::aggregate(policy, {this->h_pre, count}, mhc::stream_view<T const, N>{this->x, count, this->channels},
                   {u, count, this->channels});
  }
  void run_naive(std::ptrdiff_t count) const { naive::aggregate<N>(this->h_pre, this->x, u, count, this->channels); }
};

template <class T, int N>
struct aggregate_vjp : tensors<T, N> {
  static constexpr char const* name = "aggregate/vjp";
  static bench::work todo(bench::sizes const& s) { return {bench::aggregate_vjp(s)}; }

  T *u_gradient, *h_pre_gradient, *x_gradient;

  aggregate_vjp(bench::memory& m, std::ptrdiff_t c)
      : tensors<T, N>(m, c),
        u_gradient(m.gaussian<T>(this->tokens * c)),
        h_pre_gradient(m.output<T>(this->tokens * N)),
        x_gradient(m.output<T>(this->tokens * N * c)) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const {
    return {{h_pre_gradient, count * N}, {x_gradient, count * N * this->channels}};
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    auto const C = this->channels;
    mhc::aggregate_vjp(policy, {this->h_pre, count}, mhc::stream_view<T const, N>{this->x, count, C},
                       {u_gradient, count, C}, {h_pre_gradient, count}, {x_gradient, count, C});
  }
  void run_naive(std::ptrdiff_t count) const {
    auto const C = this->channels;
    for (std::ptrdiff_t b = 0; b < count; ++b) {
      auto const g = naive::token_of(u_gradient, b, C);
      naive::vector_of<N>(h_pre_gradient, b).noalias() = naive::streams_of<N>(this->x, b, C) * g.transpose();
      naive::streams_of<N>(x_gradient, b, C).noalias() = naive::vector_of<N>(this->h_pre, b) * g;
    }
  }
};

[[maybe_unused]] bool const added = bench::add_token_cases<aggregate, aggregate_vjp>();

}  // namespace
