// SPDX-License-Identifier: MIT

#include "support/cases.hpp"
#include "support/naive_streams.hpp"

#include <mhc/ops/expand/expand.hpp>

namespace {

template <class T, int N>
struct tensors {
  using scalar = T;
  static constexpr bool matrix_case = false;

  std::ptrdiff_t channels, tokens;

  explicit tensors(std::ptrdiff_t c) : channels(c), tokens(bench::streaming_tokens<T, N>(c)) {}
  std::ptrdiff_t items() const { return tokens; }
};

template <class T, int N>
struct expand : tensors<T, N> {
  static constexpr char const* name = "expand/forward";
  static bench::work todo(bench::sizes const& s) { return {bench::expand(s)}; }

  T *y, *x;

  expand(bench::memory& m, std::ptrdiff_t c)
      : tensors<T, N>(c), y(m.gaussian<T>(this->tokens * c)), x(m.output<T>(this->tokens * N * c)) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const { return {{x, count * N * this->channels}}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::expand(policy, {y, count, this->channels}, mhc::stream_view<T, N>{x, count, this->channels});
  }
  void run_naive(std::ptrdiff_t count) const {
    for (std::ptrdiff_t b = 0; b < count; ++b)
      naive::streams_of<N>(x, b, this->channels).rowwise() = naive::token_of(y, b, this->channels);
  }
};

template <class T, int N>
struct expand_vjp : tensors<T, N> {
  static constexpr char const* name = "expand/vjp";
  static bench::work todo(bench::sizes const& s) { return {bench::expand_vjp(s)}; }

  T *x_gradient, *y_gradient;

  expand_vjp(bench::memory& m, std::ptrdiff_t c)
      : tensors<T, N>(c), x_gradient(m.gaussian<T>(this->tokens * N * c)), y_gradient(m.output<T>(this->tokens * c)) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const { return {{y_gradient, count * this->channels}}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::expand_vjp(policy, mhc::stream_view<T const, N>{x_gradient, count, this->channels},
                    {y_gradient, count, this->channels});
  }
  void run_naive(std::ptrdiff_t count) const {
    for (std::ptrdiff_t b = 0; b < count; ++b)
      naive::token_of(y_gradient, b, this->channels) =
          naive::streams_of<N>(x_gradient, b, this->channels).colwise().sum();
  }
};

[[maybe_unused]] bool const added = bench::add_token_cases<expand, expand_vjp>();

}  // namespace
