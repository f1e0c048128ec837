// SPDX-License-Identifier: MIT
#pragma once

// mix_pre against the two operations that it consists of, for any policy: bit for bit.

#include "support/kinds.hpp"

#include <mhc/ops/mix/mix.hpp>
#include <mhc/ops/mix_pre/mix_pre.hpp>

namespace mhc::test {

/// Inputs, in memory of their own, and views of them.
template <class Case, class S>
struct mix_pre_problem {
  static constexpr int N = Case::n;
  using T = coefficient_t<S>;
  typename Case::type kind;
  std::ptrdiff_t batch, channels;
  guarded<T> res, post, parameters, next_post, next_res;
  guarded<S> x, y, u, later;

  mix_pre_problem(std::ptrdiff_t b, std::ptrdiff_t c)
      : kind(Case::make(c)),
        batch(b),
        channels(c),
        res(gaussian<T>(b * N * N, 1, 1)),
        post(gaussian<T>(b * N, 1, 2)),
        parameters(random_parameters(kind)),
        next_post(gaussian<T>(b * N, 1, 3)),
        next_res(gaussian<T>(b * N * N, 1, 4)),
        x(gaussian<S>(b * N * c, 1, 5)),
        y(gaussian<S>(b * c, 1, 6)),
        u(gaussian<S>(b * c, 1, 7)),
        later(gaussian<S>(b * N * c, 1, 8)) {}

  stream_view<S const, N> streams(guarded<S> const& a) const { return {a.data(), batch, channels}; }
  stream_view<S, N> streams(guarded<S>& a) const { return {a.data(), batch, channels}; }
  auto p() const { return parameters_at(kind, parameters.data()); }
};

template <class Case, class S, class T = coefficient_t<S>>
struct mix_pre_values {
  static constexpr int N = Case::n;
  guarded<S> x, u;
  guarded<T> pre, post, res, scores;
  explicit mix_pre_values(mix_pre_problem<Case, S> const& in)
      : x(in.batch * N * in.channels),
        u(in.batch * in.channels),
        pre(in.batch * N),
        post(in.batch * N),
        res(in.batch * N * N),
        scores(in.batch * kept_numbers<typename Case::type>) {}
};

template <class Case, class S>
bool same(mix_pre_values<Case, S> const& a, mix_pre_values<Case, S> const& b) {
  return same_bits(a.x.values(), b.x.values()) && same_bits(a.u.values(), b.u.values()) &&
         same_bits(a.pre.values(), b.pre.values()) && same_bits(a.post.values(), b.post.values()) &&
         same_bits(a.res.values(), b.res.values()) && same_bits(a.scores.values(), b.scores.values());
}

template <class Case, class S, class T = coefficient_t<S>>
struct mix_pre_gradients {
  static constexpr int N = Case::n;
  guarded<S> next, x, y;
  guarded<T> res, post, parameters;
  explicit mix_pre_gradients(mix_pre_problem<Case, S> const& in)
      : next(in.later.values()),
        x(in.batch * N * in.channels),
        y(in.batch * in.channels),
        res(in.batch * N * N),
        post(in.batch * N),
        parameters(parameter_count(in.kind), T(2)) {}
};

template <class Case, class S>
bool same(mix_pre_gradients<Case, S> const& a, mix_pre_gradients<Case, S> const& b) {
  return same_bits(a.next.values(), b.next.values()) && same_bits(a.x.values(), b.x.values()) &&
         same_bits(a.y.values(), b.y.values()) && same_bits(a.res.values(), b.res.values()) &&
         same_bits(a.post.values(), b.post.values()) && same_bits(a.parameters.values(), b.parameters.values());
}

template <class Case, class S>
void check_mix_pre(std::ptrdiff_t batch, std::ptrdiff_t channels, typename Case::policy const& policy) {
  constexpr int N = Case::n;
  mix_pre_problem<Case, S> const in(batch, channels);
  auto const b = batch;

  mix_pre_values<Case, S> apart(in), together(in), in_place(in);
  mix(policy, {in.res.data(), b}, {in.post.data(), b}, in.streams(in.x), {in.y.data(), b, channels},
      in.streams(apart.x));
  pre(policy, in.kind, in.p(), in.streams(apart.x), {apart.pre.data(), b}, {apart.post.data(), b},
      {apart.res.data(), b}, {apart.u.data(), b, channels}, {apart.scores.data(), b});
  mix_pre(policy, {in.res.data(), b}, {in.post.data(), b}, in.streams(in.x), {in.y.data(), b, channels}, in.kind,
          in.p(), in.streams(together.x), {together.pre.data(), b}, {together.post.data(), b}, {together.res.data(), b},
          {together.u.data(), b, channels}, {together.scores.data(), b});
  REQUIRE(same(together, apart));
  std::copy(in.x.begin(), in.x.end(), in_place.x.begin());
  mix_pre(policy, {in.res.data(), b}, {in.post.data(), b}, in.streams(in_place.x), {in.y.data(), b, channels}, in.kind,
          in.p(), in.streams(in_place.x), {in_place.pre.data(), b}, {in_place.post.data(), b}, {in_place.res.data(), b},
          {in_place.u.data(), b, channels}, {in_place.scores.data(), b});
  REQUIRE(same(in_place, apart));

  auto const& x_next = apart.x;
  for (bool const keeps : {false, true}) {
    auto const scores = keeps ? score_view<typename Case::type, coefficient_t<S> const>{apart.scores.data(), b}
                              : score_view<typename Case::type, coefficient_t<S> const>{};
    mix_pre_gradients<Case, S> d(in), e(in), f(in);
    pre_vjp(policy, in.kind, in.p(), in.streams(x_next), {in.u.data(), b, channels}, {in.next_post.data(), b},
            {in.next_res.data(), b}, in.streams(d.next), parameters_at(in.kind, d.parameters.data()),
            update::accumulate, scores);
    mix_vjp(policy, {in.res.data(), b}, {in.post.data(), b}, in.streams(in.x), {in.y.data(), b, channels},
            stream_view<S const, N>(in.streams(d.next)), {d.res.data(), b}, {d.post.data(), b}, in.streams(d.x),
            {d.y.data(), b, channels});
    auto const run = [&](mix_pre_gradients<Case, S>& to, guarded<S>& x_gradient, auto const& next_post,
                         auto const& next_res) {
      mix_pre_vjp(policy, {in.res.data(), b}, {in.post.data(), b}, in.streams(in.x), {in.y.data(), b, channels},
                  in.kind, in.p(), in.streams(x_next), in.streams(to.next), {in.u.data(), b, channels},
                  {next_post.data(), b}, {next_res.data(), b}, {to.res.data(), b}, {to.post.data(), b},
                  in.streams(x_gradient), {to.y.data(), b, channels}, parameters_at(in.kind, to.parameters.data()),
                  scores);
    };
    run(e, e.x, in.next_post, in.next_res);
    REQUIRE(same(e, d));
    std::copy(in.next_post.begin(), in.next_post.end(), f.post.begin());
    std::copy(in.next_res.begin(), in.next_res.end(), f.res.begin());
    run(f, f.next, f.post, f.res);  // all that can be in place
    REQUIRE(same_bits(f.next.values(), d.x.values()));
    REQUIRE(same_bits(f.post.values(), d.post.values()));
    REQUIRE(same_bits(f.res.values(), d.res.values()));
    REQUIRE(same_bits(f.parameters.values(), d.parameters.values()));
  }
}

}  // namespace mhc::test
