// SPDX-License-Identifier: MIT
// φ, α and b are shared by all tokens and do not count as bytes; the gates do not count as operations.

#include "support/connections.hpp"

#include <mhc/ops/coefficients/coefficients.hpp>

namespace {

template <class T, int N>
struct coefficients : bench::connection_tensors<T, N> {
  using base = bench::connection_tensors<T, N>;
  using base::K;
  static constexpr char const* name = "coefficients/forward";
  static bench::work todo(bench::sizes const& s) { return {bench::coefficients(s)}; }

  T *h_pre, *h_post, *h_res;

  coefficients(bench::memory& m, std::ptrdiff_t c)
      : base(m, c),
        h_pre(m.output<T>(this->tokens * N)),
        h_post(m.output<T>(this->tokens * N)),
        h_res(m.output<T>(this->tokens * N * N)) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const {
    return {{h_pre, count * N}, {h_post, count * N}, {h_res, count * N * N}};
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::coefficients(policy, this->connection, this->parameters(), this->streams(count), {h_pre, count},
                      {h_post, count}, {h_res, count});
  }
  void run_naive(std::ptrdiff_t count) const {
    this->naive_gates.coefficients(this->x, this->phi, this->alpha, this->bias, this->connection.norm_epsilon, h_pre,
                                   h_post, h_res, count, this->channels);
  }
};

template <class T, int N>
struct coefficients_vjp : bench::connection_gradients<T, N> {
  using base = bench::connection_gradients<T, N>;
  using base::K;
  static constexpr char const* name = "coefficients/vjp";
  static bench::work todo(bench::sizes const& s) { return {bench::coefficients_vjp(s)}; }

  T* h_pre_gradient;

  coefficients_vjp(bench::memory& m, std::ptrdiff_t c) : base(m, c), h_pre_gradient(m.gaussian<T>(this->tokens * N)) {}

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::coefficients_vjp(policy, this->connection, this->parameters(), this->streams(count), {h_pre_gradient, count},
                          {this->h_post_gradient, count}, {this->h_res_gradient, count}, this->streams_gradient(count),
                          this->parameters_gradient());
  }
  void run_naive(std::ptrdiff_t count) const {
    this->naive_gates.coefficients_vjp(this->x, this->phi, this->alpha, this->bias, this->connection.norm_epsilon,
                                       h_pre_gradient, this->h_post_gradient, this->h_res_gradient, this->x_gradient,
                                       this->phi_gradient, this->alpha_gradient, this->bias_gradient, count,
                                       this->channels);
  }
};

[[maybe_unused]] bool const added = bench::add_token_cases<coefficients, coefficients_vjp>();

}  // namespace
