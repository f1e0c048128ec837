// SPDX-License-Identifier: MIT
// One layer around the identity (y = u, the same memory): what a connection adds to whatever F costs.

#include "support/connections.hpp"

#include <mhc/ops/mix/mix.hpp>
#include <mhc/ops/pre/pre.hpp>

#include <cstddef>
#include <vector>

namespace {

template <class T, int N>
struct layer_tensors : bench::connection_gradients<T, N> {
  using base = bench::connection_gradients<T, N>;
  using score_view = mhc::score_view<decltype(base::connection)>;

  T *h_pre, *h_post, *h_res, *u, *x_next;

  layer_tensors(bench::memory& m, std::ptrdiff_t c)
      : base(m, c, bench::scored_tokens<T, N>(c, base::K, 200'000'000)),
        h_pre(m.output<T>(this->tokens * N)),
        h_post(m.output<T>(this->tokens * N)),
        h_res(m.output<T>(this->tokens * N * N)),
        u(m.output<T>(this->tokens * c)),
        x_next(m.output<T>(this->tokens * N * c)) {}

  std::vector<bench::output<T>> results(std::ptrdiff_t count) const {
    return {{x_next, count * N * this->channels}, {h_res, count * N * N}, {h_post, count * N}};
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count, score_view scores = {}) const {
    auto const C = this->channels;
    mhc::pre(policy, this->connection, this->parameters(), this->streams(count), {h_pre, count}, {h_post, count},
             {h_res, count}, {u, count, C}, scores);
    mhc::mix(policy, {h_res, count}, {h_post, count}, this->streams(count), {u, count, C}, {x_next, count, C});
  }
  void run_naive(std::ptrdiff_t count) const {
    auto const C = this->channels;
    this->naive_gates.coefficients(this->x, this->phi, this->alpha, this->bias, this->connection.norm_epsilon, h_pre,
                                   h_post, h_res, count, C);
    naive::aggregate<N>(h_pre, this->x, u, count, C);
    naive::mix<N>(h_res, h_post, this->x, u, x_next, count, C);
  }
};

template <class T, int N>
struct layer_forward : layer_tensors<T, N> {
  static constexpr char const* name = "layer/forward";
  static bench::work todo(bench::sizes const& s) { return bench::layer(s); }
  using layer_tensors<T, N>::layer_tensors;
};

/// Forward and backward, with ∂loss/∂x' = x' and kept scores.
template <class T, int N>
struct layer_step : layer_tensors<T, N> {
  using base = layer_tensors<T, N>;
  static constexpr char const* name = "layer/step";
  static bench::work todo(bench::sizes const& s) { return bench::layer_keeping_scores(s) + bench::layer_vjp(s); }

  T *u_gradient, *share, *kept;

  layer_step(bench::memory& m, std::ptrdiff_t c)
      : base(m, c),
        u_gradient(m.output<T>(this->tokens * c)),
        share(m.output<T>(this->tokens * N * c)),
        kept(m.output<T>(this->tokens * (base::K + 1))) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const {
    return bench::connection_gradients<T, N>::results(count);
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    auto const C = this->channels;
    typename base::score_view const scores{kept, count};
    base::run(policy, count, scores);
    mhc::mix_vjp(policy, {this->h_res, count}, {this->h_post, count}, this->streams(count), {this->u, count, C},
                 {this->x_next, count, C}, {this->h_res_gradient, count}, {this->h_post_gradient, count},
                 this->streams_gradient(count), {u_gradient, count, C});
    mhc::pre_vjp(policy, this->connection, this->parameters(), this->streams(count), {u_gradient, count, C},
                 {this->h_post_gradient, count}, {this->h_res_gradient, count}, this->streams_gradient(count),
                 this->parameters_gradient(), mhc::update::accumulate, scores);
  }
  void run_naive(std::ptrdiff_t count) const {
    std::ptrdiff_t const C = this->channels, elements = count * N * C;
    base::run_naive(count);
    naive::mix_vjp<N>(this->h_res, this->h_post, this->x, this->u, this->x_next, this->h_res_gradient,
                      this->h_post_gradient, share, u_gradient, count, C);
    this->naive_gates.pre_vjp(this->x, this->phi, this->alpha, this->bias, this->connection.norm_epsilon, u_gradient,
                              this->h_post_gradient, this->h_res_gradient, this->x_gradient, this->phi_gradient,
                              this->alpha_gradient, this->bias_gradient, count, C);
    using vector = Eigen::Matrix<T, Eigen::Dynamic, 1>;
    Eigen::Map<vector>(this->x_gradient, elements) += Eigen::Map<vector const>(share, elements);
  }
};

[[maybe_unused]] bool const added = bench::add_token_cases<layer_forward, layer_step>();

}  // namespace
