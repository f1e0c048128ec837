// SPDX-License-Identifier: MIT
// Streams of bfloat16. Naive is what one writes around code for float: tensors are converted, then the results.

#include "support/cases.hpp"
#include "support/naive_gates.hpp"
#include "support/naive_streams.hpp"

#include <mhc/mhc.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace {

/// Tensors of S, and the same in float while naive code works on them.
template <class S, int N>
struct short_tensors {
  using scalar = S;
  static constexpr bool matrix_case = false;

  std::ptrdiff_t channels, tokens;
  float *h_res, *h_post;
  S *x, *y;
  mutable std::vector<float> x_float, y_float, out_float;

  short_tensors(bench::memory& m, std::ptrdiff_t c, std::ptrdiff_t count)
      : channels(c),
        tokens(count),
        h_res(m.gaussian<float>(tokens * N * N)),
        h_post(m.gaussian<float>(tokens * N)),
        x(m.gaussian<S>(tokens * N * c)),
        y(m.gaussian<S>(tokens * c)) {}
  short_tensors(bench::memory& m, std::ptrdiff_t c) : short_tensors(m, c, bench::streaming_tokens<S, N>(c)) {}

  std::ptrdiff_t items() const { return tokens; }
  mhc::stream_view<S const, N> streams(std::ptrdiff_t count) const { return {x, count, channels}; }
  mhc::token_view<S const> layer(std::ptrdiff_t count) const { return {y, count, channels}; }
  float const* in_float(S const* from, std::ptrdiff_t count, std::vector<float>& to) const {
    to.assign(from, from + count);
    return to.data();
  }
  float* room(std::ptrdiff_t count, std::vector<float>& of) const {
    of.resize(static_cast<std::size_t>(count));
    return of.data();
  }
  static void rounded(std::vector<float> const& from, S* to) {
    std::transform(from.begin(), from.end(), to, [](float v) { return S(v); });
  }
};

template <class S, int N>
struct short_aggregate : short_tensors<S, N> {
  static constexpr char const* name = "aggregate/forward";
  static bench::work todo(bench::sizes const& s) { return {bench::aggregate(s)}; }

  S* u;

  short_aggregate(bench::memory& m, std::ptrdiff_t c) : short_tensors<S, N>(m, c), u(m.output<S>(this->tokens * c)) {}
  std::vector<bench::output<S>> results(std::ptrdiff_t count) const { return {{u, count * this->channels}}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::aggregate(policy, {this->h_post, count}, this->streams(count), {u, count, this->channels});
  }
  void run_naive(std::ptrdiff_t count) const {
    auto const C = this->channels;
    naive::aggregate<N>(static_cast<float const*>(this->h_post), this->in_float(this->x, count * N * C, this->x_float),
                        this->room(count * C, this->out_float), count, C);
    this->rounded(this->out_float, u);
  }
};

template <class S, int N>
struct short_mix : short_tensors<S, N> {
  static constexpr char const* name = "mix/forward";
  static bench::work todo(bench::sizes const& s) { return {bench::mix(s)}; }

  S* x_next;

  short_mix(bench::memory& m, std::ptrdiff_t c)
      : short_tensors<S, N>(m, c), x_next(m.output<S>(this->tokens * N * c)) {}
  std::vector<bench::output<S>> results(std::ptrdiff_t count) const { return {{x_next, count * N * this->channels}}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::mix(policy, {this->h_res, count}, {this->h_post, count}, this->streams(count), this->layer(count),
             {x_next, count, this->channels});
  }
  void run_naive(std::ptrdiff_t count) const {
    auto const C = this->channels;
    naive::mix<N>(static_cast<float const*>(this->h_res), static_cast<float const*>(this->h_post),
                  this->in_float(this->x, count * N * C, this->x_float),
                  this->in_float(this->y, count * C, this->y_float), this->room(count * N * C, this->out_float), count,
                  C);
    this->rounded(this->out_float, x_next);
  }
};

template <class S, int N>
struct short_mix_vjp : short_tensors<S, N> {
  static constexpr char const* name = "mix/vjp";
  static bench::work todo(bench::sizes const& s) { return {bench::mix_vjp(s)}; }

  S *x_next_gradient, *x_gradient, *y_gradient;
  float *h_res_gradient, *h_post_gradient;
  mutable std::vector<float> g_float, y_out;

  short_mix_vjp(bench::memory& m, std::ptrdiff_t c)
      : short_tensors<S, N>(m, c),
        x_next_gradient(m.gaussian<S>(this->tokens * N * c)),
        x_gradient(m.output<S>(this->tokens * N * c)),
        y_gradient(m.output<S>(this->tokens * c)),
        h_res_gradient(m.output<float>(this->tokens * N * N)),
        h_post_gradient(m.output<float>(this->tokens * N)) {}
  std::vector<bench::output<S>> results(std::ptrdiff_t count) const {
    return {{x_gradient, count * N * this->channels}, {y_gradient, count * this->channels}};
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    auto const C = this->channels;
    mhc::mix_vjp(policy, {this->h_res, count}, {this->h_post, count}, this->streams(count), this->layer(count),
                 {x_next_gradient, count, C}, {h_res_gradient, count}, {h_post_gradient, count}, {x_gradient, count, C},
                 {y_gradient, count, C});
  }
  void run_naive(std::ptrdiff_t count) const {
    auto const C = this->channels;
    naive::mix_vjp<N, float>(this->h_res, this->h_post, this->in_float(this->x, count * N * C, this->x_float),
                             this->in_float(this->y, count * C, this->y_float),
                             this->in_float(x_next_gradient, count * N * C, g_float), h_res_gradient, h_post_gradient,
                             this->room(count * N * C, this->out_float), this->room(count * C, y_out), count, C);
    this->rounded(this->out_float, x_gradient);
    this->rounded(y_out, y_gradient);
  }
};

template <class S, int N>
struct short_connection : short_tensors<S, N> {
  static constexpr int K = 2 * N + N * N;
  mhc::connection<float, N, mhc::sinkhorn<>> connection{.channels = this->channels};
  float *phi, *alpha, *bias;
  mutable naive::gates<float, N> naive_gates;

  short_connection(bench::memory& m, std::ptrdiff_t c)
      : short_tensors<S, N>(m, c, bench::scored_tokens<S, N>(c, K)),
        phi(m.gaussian<float>(K * N * c)),
        alpha(m.output<float>(3)),
        bias(m.gaussian<float>(K)) {
    for (std::ptrdiff_t k = 0; k < K * N * c; ++k) phi[k] /= std::sqrt(float(N * c));
    std::fill_n(alpha, 3, 1.F);
  }
  mhc::connection_parameters<float const, N, mhc::sinkhorn<>> parameters() const { return {phi, alpha, bias}; }
};

template <class S, int N>
struct short_pre : short_connection<S, N> {
  static constexpr char const* name = "pre/forward";
  static bench::work todo(bench::sizes const& s) { return {bench::pre(s)}; }

  float *h_pre, *next_h_post, *next_h_res;
  S* u;

  short_pre(bench::memory& m, std::ptrdiff_t c)
      : short_connection<S, N>(m, c),
        h_pre(m.output<float>(this->tokens * N)),
        next_h_post(m.output<float>(this->tokens * N)),
        next_h_res(m.output<float>(this->tokens * N * N)),
        u(m.output<S>(this->tokens * c)) {}
  std::vector<bench::output<S>> results(std::ptrdiff_t count) const { return {{u, count * this->channels}}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::pre(policy, this->connection, this->parameters(), this->streams(count), {h_pre, count}, {next_h_post, count},
             {next_h_res, count}, {u, count, this->channels});
  }
  void run_naive(std::ptrdiff_t count) const {
    auto const C = this->channels;
    float const* const in = this->in_float(this->x, count * N * C, this->x_float);
    this->naive_gates.coefficients(in, this->phi, this->alpha, this->bias, this->connection.norm_epsilon, h_pre,
                                   next_h_post, next_h_res, count, C);
    naive::aggregate<N>(static_cast<float const*>(h_pre), in, this->room(count * C, this->out_float), count, C);
    this->rounded(this->out_float, u);
  }
};

/// φ of S too.
template <class S, int N>
struct short_phi_pre : short_pre<S, N> {
  using base = short_pre<S, N>;
  using base::K;
  static constexpr char const* name = "pre/short_phi";

  S* short_phi;

  short_phi_pre(bench::memory& m, std::ptrdiff_t c) : base(m, c), short_phi(m.output<S>(K * N * c)) {
    for (std::ptrdiff_t k = 0; k < K * N * c; ++k) {
      short_phi[k] = S(this->phi[k]);
      this->phi[k] = short_phi[k];
    }
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    using kind = mhc::with_phi<S, mhc::connection<float, N, mhc::sinkhorn<>>>;
    mhc::pre(policy, kind{this->connection}, mhc::parameters_of<kind, float const>{short_phi, this->alpha, this->bias},
             this->streams(count), {this->h_pre, count}, {this->next_h_post, count}, {this->next_h_res, count},
             {this->u, count, this->channels});
  }
};

template <class S, int N>
struct short_pre_vjp : short_connection<S, N> {
  using base = short_connection<S, N>;
  using base::K;
  static constexpr char const* name = "pre/vjp";
  static bench::work todo(bench::sizes const& s) { return {bench::pre_vjp(s)}; }

  S* x_gradient;
  float *phi_gradient, *alpha_gradient, *bias_gradient;

  short_pre_vjp(bench::memory& m, std::ptrdiff_t c)
      : base(m, c),
        x_gradient(m.output<S>(this->tokens * N * c)),
        phi_gradient(m.gaussian<float>(K * N * c)),
        alpha_gradient(m.gaussian<float>(3)),
        bias_gradient(m.gaussian<float>(K)) {}
  std::vector<bench::output<S>> results(std::ptrdiff_t count) const {
    return {{x_gradient, count * N * this->channels}};
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::pre_vjp(policy, this->connection, this->parameters(), this->streams(count), this->layer(count),
                 {this->h_post, count}, {this->h_res, count}, {x_gradient, count, this->channels},
                 {phi_gradient, alpha_gradient, bias_gradient});
  }
  void run_naive(std::ptrdiff_t count) const {
    auto const C = this->channels;
    this->naive_gates.pre_vjp(this->in_float(this->x, count * N * C, this->x_float), this->phi, this->alpha, this->bias,
                              this->connection.norm_epsilon, this->in_float(this->y, count * C, this->y_float),
                              this->h_post, this->h_res, this->room(count * N * C, this->out_float), phi_gradient,
                              alpha_gradient, bias_gradient, count, C);
    this->rounded(this->out_float, x_gradient);
  }
};

[[maybe_unused]] bool const added =
    bench::add_short_cases<short_aggregate, short_mix, short_mix_vjp, short_pre, short_phi_pre, short_pre_vjp>();

}  // namespace
