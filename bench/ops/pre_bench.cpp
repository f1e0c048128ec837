// SPDX-License-Identifier: MIT
// φ, α and b are shared by all tokens and do not count as bytes; the gates do not count as operations.

#include "support/connections.hpp"

#include <mhc/ops/coefficients/coefficients.hpp>
#include <mhc/ops/pre/pre.hpp>

namespace {

template <class T, int N>
struct pre : bench::connection_tensors<T, N> {
  using base = bench::connection_tensors<T, N>;
  using base::K;
  static constexpr char const* name = "pre/forward";
  static bench::work todo(bench::sizes const& s) { return {bench::pre(s)}; }

  T *h_pre, *h_post, *h_res, *u;

  pre(bench::memory& m, std::ptrdiff_t c) : pre(m, c, bench::scored_tokens<T, N>(c, K)) {}
  pre(bench::memory& m, std::ptrdiff_t c, std::ptrdiff_t count)
      : base(m, c, count),
        h_pre(m.output<T>(this->tokens * N)),
        h_post(m.output<T>(this->tokens * N)),
        h_res(m.output<T>(this->tokens * N * N)),
        u(m.output<T>(this->tokens * c)) {}
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const {
    return {{h_pre, count * N}, {h_post, count * N}, {h_res, count * N * N}, {u, count * this->channels}};
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::pre(policy, this->connection, this->parameters(), this->streams(count), {h_pre, count}, {h_post, count},
             {h_res, count}, {u, count, this->channels});
  }
  void run_naive(std::ptrdiff_t count) const {
    this->naive_gates.coefficients(this->x, this->phi, this->alpha, this->bias, this->connection.norm_epsilon, h_pre,
                                   h_post, h_res, count, this->channels);
    naive::aggregate<N>(h_pre, this->x, u, count, this->channels);
  }
};

/// Of as few tokens as a model answers with: φ is for each of them, and counts.
template <class T, int N, int Tokens>
struct pre_of : pre<T, N> {
  static bench::work todo(bench::sizes const& s) {
    return {bench::pre(s) + bench::pass{s.scores() * s.streams() / Tokens, 0, 0}};
  }
  pre_of(bench::memory& m, std::ptrdiff_t c) : pre<T, N>(m, c, Tokens) {}
};
template <class T, int N>
struct pre_of_one : pre_of<T, N, 1> {
  static constexpr char const* name = "pre/one_token";
  using pre_of<T, N, 1>::pre_of;
};
template <class T, int N>
struct pre_of_eight : pre_of<T, N, 8> {
  static constexpr char const* name = "pre/eight_tokens";
  using pre_of<T, N, 8>::pre_of;
};

template <class T, int N>
struct pre_vjp : bench::connection_gradients<T, N> {
  using base = bench::connection_gradients<T, N>;
  using base::K;
  static constexpr char const* name = "pre/vjp";
  static bench::work todo(bench::sizes const& s) { return {bench::pre_vjp(s)}; }

  T* u_gradient;

  pre_vjp(bench::memory& m, std::ptrdiff_t c) : base(m, c), u_gradient(m.gaussian<T>(this->tokens * c)) {}

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::pre_vjp(policy, this->connection, this->parameters(), this->streams(count),
                 {u_gradient, count, this->channels}, {this->h_post_gradient, count}, {this->h_res_gradient, count},
                 this->streams_gradient(count), this->parameters_gradient());
  }
  void run_naive(std::ptrdiff_t count) const {
    this->naive_gates.pre_vjp(this->x, this->phi, this->alpha, this->bias, this->connection.norm_epsilon, u_gradient,
                              this->h_post_gradient, this->h_res_gradient, this->x_gradient, this->phi_gradient,
                              this->alpha_gradient, this->bias_gradient, count, this->channels);
  }
};

/// From the scores that forward has kept; naive Eigen computes them again.
template <class T, int N>
struct pre_vjp_kept : pre_vjp<T, N> {
  using base = pre_vjp<T, N>;
  static constexpr char const* name = "pre/vjp_kept";
  static bench::work todo(bench::sizes const& s) { return {bench::pre_vjp(s) + bench::kept_scores(s)}; }

  T* scores;

  pre_vjp_kept(bench::memory& m, std::ptrdiff_t c) : base(m, c), scores(m.output<T>(this->tokens * (base::K + 1))) {
    auto const B = this->tokens;
    mhc::coefficients(mhc::simd, this->connection, this->parameters(), this->streams(B), {m.output<T>(B * N), B},
                      {m.output<T>(B * N), B}, {m.output<T>(B * N * N), B}, {scores, B});
  }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::pre_vjp(policy, this->connection, this->parameters(), this->streams(count),
                 {this->u_gradient, count, this->channels}, {this->h_post_gradient, count},
                 {this->h_res_gradient, count}, this->streams_gradient(count), this->parameters_gradient(),
                 mhc::update::overwrite, {scores, count});
  }
};

[[maybe_unused]] bool const added = [] {
  bench::add_widths<pre_of_one, float, 4>({1280, 4096});
  bench::add_widths<pre_of_eight, float, 4>({1280, 4096});
  return bench::add_token_cases<pre, pre_vjp, pre_vjp_kept>();
}();

}  // namespace
