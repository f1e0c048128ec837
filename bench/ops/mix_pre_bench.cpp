// SPDX-License-Identifier: MIT

#include "support/connections.hpp"

#include <mhc/ops/mix_pre/mix_pre.hpp>

#include <algorithm>

namespace {

template <class T, int N>
struct mix_pre_tensors : bench::connection_gradients<T, N> {
  using base = bench::connection_gradients<T, N>;

  T *h_res, *h_post, *y, *x_next;

  mix_pre_tensors(bench::memory& m, std::ptrdiff_t c)
      : base(m, c),
        h_res(m.gaussian<T>(this->tokens * N * N)),
        h_post(m.gaussian<T>(this->tokens * N)),
        y(m.gaussian<T>(this->tokens * c)),
        x_next(m.gaussian<T>(this->tokens * N * c)) {}
};

template <class T, int N>
struct mix_pre : mix_pre_tensors<T, N> {
  static constexpr char const* name = "mix_pre/forward";
  static bench::work todo(bench::sizes const& s) { return {bench::mix_pre(s)}; }

  T *next_h_pre, *next_h_post, *next_h_res, *u;

  mix_pre(bench::memory& m, std::ptrdiff_t c)
      : mix_pre_tensors<T, N>(m, c),
        next_h_pre(m.output<T>(this->tokens * N)),
        next_h_post(m.output<T>(this->tokens * N)),
        next_h_res(m.output<T>(this->tokens * N * N)),
        u(m.output<T>(this->tokens * c)) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const {
    return {{this->x_next, count * N * this->channels},
            {next_h_pre, count * N},
            {next_h_post, count * N},
            {next_h_res, count * N * N},
            {u, count * this->channels}};
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    auto const C = this->channels;
    mhc::mix_pre(policy, {this->h_res, count}, {this->h_post, count}, this->streams(count), {this->y, count, C},
                 this->connection, this->parameters(), {this->x_next, count, C}, {next_h_pre, count},
                 {next_h_post, count}, {next_h_res, count}, {u, count, C});
  }
  void run_naive(std::ptrdiff_t count) const {
    auto const C = this->channels;
    naive::mix<N>(this->h_res, this->h_post, this->x, this->y, this->x_next, count, C);
    this->naive_gates.coefficients(this->x_next, this->phi, this->alpha, this->bias, this->connection.norm_epsilon,
                                   next_h_pre, next_h_post, next_h_res, count, C);
    naive::aggregate<N>(next_h_pre, this->x_next, u, count, C);
  }
};

template <class T, int N>
struct mix_pre_vjp : mix_pre_tensors<T, N> {
  using base = mix_pre_tensors<T, N>;
  static constexpr char const* name = "mix_pre/vjp";
  static bench::work todo(bench::sizes const& s) { return {bench::mix_pre_vjp(s)}; }

  T *u_gradient, *from_later, *x_next_gradient, *first_h_res_gradient, *first_h_post_gradient, *y_gradient, *share;

  mix_pre_vjp(bench::memory& m, std::ptrdiff_t c)
      : base(m, c),
        u_gradient(m.gaussian<T>(this->tokens * c)),
        from_later(m.gaussian<T>(bench::compared(*this) * N * c)),
        x_next_gradient(m.gaussian<T>(this->tokens * N * c)),
        first_h_res_gradient(m.output<T>(this->tokens * N * N)),
        first_h_post_gradient(m.output<T>(this->tokens * N)),
        y_gradient(m.output<T>(this->tokens * c)),
        share(m.output<T>(this->tokens * N * c)) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const {
    auto all = base::results(count);
    all.insert(all.end(), {{x_next_gradient, count * N * this->channels},
                           {first_h_res_gradient, count * N * N},
                           {first_h_post_gradient, count * N},
                           {y_gradient, count * this->channels}});
    return all;
  }
  void prepare(std::ptrdiff_t count) const { std::copy_n(from_later, count * N * this->channels, x_next_gradient); }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    auto const C = this->channels;
    mhc::mix_pre_vjp(policy, {this->h_res, count}, {this->h_post, count}, this->streams(count), {this->y, count, C},
                     this->connection, this->parameters(), {this->x_next, count, C}, {x_next_gradient, count, C},
                     {u_gradient, count, C}, {this->h_post_gradient, count}, {this->h_res_gradient, count},
                     {first_h_res_gradient, count}, {first_h_post_gradient, count}, this->streams_gradient(count),
                     {y_gradient, count, C}, this->parameters_gradient());
  }
  void run_naive(std::ptrdiff_t count) const {
    std::ptrdiff_t const C = this->channels, elements = count * N * C;
    this->naive_gates.pre_vjp(this->x_next, this->phi, this->alpha, this->bias, this->connection.norm_epsilon,
                              u_gradient, this->h_post_gradient, this->h_res_gradient, share, this->phi_gradient,
                              this->alpha_gradient, this->bias_gradient, count, C);
    using vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;
    Eigen::Map<vector>(x_next_gradient, elements) += Eigen::Map<vector const>(share, elements);
    naive::mix_vjp<N>(this->h_res, this->h_post, this->x, this->y, x_next_gradient, first_h_res_gradient,
                      first_h_post_gradient, this->x_gradient, y_gradient, count, C);
  }
};

[[maybe_unused]] bool const added = bench::add_token_cases<mix_pre, mix_pre_vjp>();

}  // namespace
