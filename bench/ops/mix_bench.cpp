// SPDX-License-Identifier: MIT

#include "support/cases.hpp"
#include "support/naive_streams.hpp"

#include <mhc/ops/mix/mix.hpp>

#include <algorithm>

namespace {

template <class T, int N>
struct tensors {
  using scalar = T;
  static constexpr bool matrix_case = false;

  std::ptrdiff_t channels, tokens;
  T *h_res, *h_post, *x, *y;

  tensors(bench::memory& m, std::ptrdiff_t c)
      : channels(c),
        tokens(bench::streaming_tokens<T, N>(c)),
        h_res(m.gaussian<T>(tokens * N * N)),
        h_post(m.gaussian<T>(tokens * N)),
        x(m.gaussian<T>(tokens * N * c)),
        y(m.gaussian<T>(tokens * c)) {}

  std::ptrdiff_t items() const { return tokens; }
  mhc::stream_view<T const, N> streams(std::ptrdiff_t count) const { return {x, count, channels}; }
};

template <class T, int N>
struct mix : tensors<T, N> {
  static constexpr char const* name = "mix/forward";
  static bench::work todo(bench::sizes const& s) { return {bench::mix(s)}; }

  T* x_next;

  mix(bench::memory& m, std::ptrdiff_t c) : tensors<T, N>(m, c), x_next(m.output<T>(this->tokens * N * c)) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const { return {{x_next, count * N * this->channels}}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::mix(policy, {this->h_res, count}, {this->h_post, count}, this->streams(count),
             {this->y, count, this->channels}, {x_next, count, this->channels});
  }
  void run_naive(std::ptrdiff_t count) const {
    naive::mix<N>(this->h_res, this->h_post, this->x, this->y, x_next, count, this->channels);
  }
};

/// H_res is 1/N everywhere, so that x grows slowly however often it is mixed.
template <class T, int N>
struct mix_in_place : tensors<T, N> {
  static constexpr char const* name = "mix/in_place";
  static bench::work todo(bench::sizes const& s) { return {bench::mix(s)}; }

  T* start;

  mix_in_place(bench::memory& m, std::ptrdiff_t c)
      : tensors<T, N>(m, c), start(m.gaussian<T>(bench::compared(*this) * N * c)) {
    std::fill_n(this->h_res, this->tokens * N * N, T(1) / T(N));
  }
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const { return {{this->x, count * N * this->channels}}; }
  void prepare(std::ptrdiff_t count) const { std::copy_n(start, count * N * this->channels, this->x); }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::mix(policy, {this->h_res, count}, {this->h_post, count}, this->streams(count),
             {this->y, count, this->channels}, {this->x, count, this->channels});
  }
  void run_naive(std::ptrdiff_t count) const {
    auto const C = this->channels;
    naive::streams<T, N> next(N, C);
    for (std::ptrdiff_t b = 0; b < count; ++b) {
      auto streams = naive::streams_of<N>(this->x, b, C);
      next.noalias() = naive::matrix_of<N>(this->h_res, b) * streams;
      next.noalias() += naive::vector_of<N>(this->h_post, b) * naive::token_of(this->y, b, C);
      streams = next;
    }
  }
};

template <class T, int N>
struct mix_vjp : tensors<T, N> {
  static constexpr char const* name = "mix/vjp";
  static bench::work todo(bench::sizes const& s) { return {bench::mix_vjp(s)}; }

  T *x_next_gradient, *h_res_gradient, *h_post_gradient, *x_gradient, *y_gradient;

  mix_vjp(bench::memory& m, std::ptrdiff_t c)
      : tensors<T, N>(m, c),
        x_next_gradient(m.gaussian<T>(this->tokens * N * c)),
        h_res_gradient(m.output<T>(this->tokens * N * N)),
        h_post_gradient(m.output<T>(this->tokens * N)),
        x_gradient(m.output<T>(this->tokens * N * c)),
        y_gradient(m.output<T>(this->tokens * c)) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const {
    return {{h_res_gradient, count * N * N},
            {h_post_gradient, count * N},
            {x_gradient, count * N * this->channels},
            {y_gradient, count * this->channels}};
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    auto const C = this->channels;
    mhc::mix_vjp(policy, {this->h_res, count}, {this->h_post, count}, this->streams(count), {this->y, count, C},
                 {x_next_gradient, count, C}, {h_res_gradient, count}, {h_post_gradient, count}, {x_gradient, count, C},
                 {y_gradient, count, C});
  }
  void run_naive(std::ptrdiff_t count) const {
    naive::mix_vjp<N>(this->h_res, this->h_post, this->x, this->y, x_next_gradient, h_res_gradient, h_post_gradient,
                      x_gradient, y_gradient, count, this->channels);
  }
};

[[maybe_unused]] bool const added = bench::add_token_cases<mix, mix_in_place, mix_vjp>();

}  // namespace
