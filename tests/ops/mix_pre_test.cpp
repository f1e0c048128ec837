// SPDX-License-Identifier: MIT
// Both operations have references of their own: here, that taken together they are still the same.

#include "support/kinds.hpp"

#include <mhc/ops/mix/mix.hpp>
#include <mhc/ops/mix_pre/mix_pre.hpp>

using namespace mhc::test;
using mhc::update;

namespace {

/// Inputs, in memory of their own, and views of them.
template <class Case, class S>
struct problem {
  static constexpr int N = Case::n;
  using T = mhc::coefficient_t<S>;
  typename Case::type kind;
  std::ptrdiff_t batch, channels;
  guarded<T> res, post, parameters, next_post, next_res;
  guarded<S> x, y, u, later;

  problem(std::ptrdiff_t b, std::ptrdiff_t c)
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

  mhc::stream_view<S const, N> streams(guarded<S> const& a) const { return {a.data(), batch, channels}; }
  mhc::stream_view<S, N> streams(guarded<S>& a) const { return {a.data(), batch, channels}; }
  auto p() const { return mhc::parameters_at(kind, parameters.data()); }
};

template <class Case, class S, class T = mhc::coefficient_t<S>>
struct forward_values {
  static constexpr int N = Case::n;
  guarded<S> x, u;
  guarded<T> pre, post, res;
  explicit forward_values(problem<Case, S> const& in)
      : x(in.batch * N * in.channels),
        u(in.batch * in.channels),
        pre(in.batch * N),
        post(in.batch * N),
        res(in.batch * N * N) {}
};

template <class Case, class S>
bool same(forward_values<Case, S> const& a, forward_values<Case, S> const& b) {
  return same_bits(a.x.values(), b.x.values()) && same_bits(a.u.values(), b.u.values()) &&
         same_bits(a.pre.values(), b.pre.values()) && same_bits(a.post.values(), b.post.values()) &&
         same_bits(a.res.values(), b.res.values());
}

template <class Case, class S, class T = mhc::coefficient_t<S>>
struct backward_values {
  static constexpr int N = Case::n;
  guarded<S> next, x, y;
  guarded<T> res, post, parameters;
  explicit backward_values(problem<Case, S> const& in)
      : next(in.later.values()),
        x(in.batch * N * in.channels),
        y(in.batch * in.channels),
        res(in.batch * N * N),
        post(in.batch * N),
        parameters(mhc::parameter_count(in.kind), T(2)) {}
};

template <class Case, class S>
bool same(backward_values<Case, S> const& a, backward_values<Case, S> const& b) {
  return same_bits(a.next.values(), b.next.values()) && same_bits(a.x.values(), b.x.values()) &&
         same_bits(a.y.values(), b.y.values()) && same_bits(a.res.values(), b.res.values()) &&
         same_bits(a.post.values(), b.post.values()) && same_bits(a.parameters.values(), b.parameters.values());
}

template <class Case, class S>
void check_both(std::ptrdiff_t batch, std::ptrdiff_t channels, typename Case::policy const& policy) {
  constexpr int N = Case::n;
  problem<Case, S> const in(batch, channels);
  auto const b = batch;

  forward_values<Case, S> apart(in), together(in), in_place(in);
  mhc::mix(policy, {in.res.data(), b}, {in.post.data(), b}, in.streams(in.x), {in.y.data(), b, channels},
           in.streams(apart.x));
  mhc::pre(policy, in.kind, in.p(), in.streams(apart.x), {apart.pre.data(), b}, {apart.post.data(), b},
           {apart.res.data(), b}, {apart.u.data(), b, channels});
  mhc::mix_pre(policy, {in.res.data(), b}, {in.post.data(), b}, in.streams(in.x), {in.y.data(), b, channels}, in.kind,
               in.p(), in.streams(together.x), {together.pre.data(), b}, {together.post.data(), b},
               {together.res.data(), b}, {together.u.data(), b, channels});
  REQUIRE(same(together, apart));
  std::copy(in.x.begin(), in.x.end(), in_place.x.begin());
  mhc::mix_pre(policy, {in.res.data(), b}, {in.post.data(), b}, in.streams(in_place.x), {in.y.data(), b, channels},
               in.kind, in.p(), in.streams(in_place.x), {in_place.pre.data(), b}, {in_place.post.data(), b},
               {in_place.res.data(), b}, {in_place.u.data(), b, channels});
  REQUIRE(same(in_place, apart));

  auto const& x_next = apart.x;
  backward_values<Case, S> d(in), e(in), f(in);
  mhc::pre_vjp(policy, in.kind, in.p(), in.streams(x_next), {in.u.data(), b, channels}, {in.next_post.data(), b},
               {in.next_res.data(), b}, in.streams(d.next), mhc::parameters_at(in.kind, d.parameters.data()),
               update::accumulate);
  mhc::mix_vjp(policy, {in.res.data(), b}, {in.post.data(), b}, in.streams(in.x), {in.y.data(), b, channels},
               mhc::stream_view<S const, N>(in.streams(d.next)), {d.res.data(), b}, {d.post.data(), b}, in.streams(d.x),
               {d.y.data(), b, channels});
  auto const run = [&](backward_values<Case, S>& to, guarded<S>& x_gradient) {
    mhc::mix_pre_vjp(policy, {in.res.data(), b}, {in.post.data(), b}, in.streams(in.x), {in.y.data(), b, channels},
                     in.kind, in.p(), in.streams(x_next), in.streams(to.next), {in.u.data(), b, channels},
                     {in.next_post.data(), b}, {in.next_res.data(), b}, {to.res.data(), b}, {to.post.data(), b},
                     in.streams(x_gradient), {to.y.data(), b, channels},
                     mhc::parameters_at(in.kind, to.parameters.data()));
  };
  run(e, e.x);
  REQUIRE(same(e, d));
  run(f, f.next);
  REQUIRE(same_bits(f.next.values(), d.x.values()));
  REQUIRE(same_bits(f.parameters.values(), d.parameters.values()));
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("mix_pre is mix, then pre, bit for bit, and so is its gradient", "[ops][mix_pre][law]",
                        kind_cases) {
  for (std::ptrdiff_t const channels : {1, 37, 300})
    for (std::ptrdiff_t const batch : {0, 1, 33, 70}) {
      CAPTURE(channels, batch);
      check_both<TestType, typename TestType::value>(batch, channels, {});
    }
}

TEMPLATE_LIST_TEST_CASE("mix_pre of streams of 16 bits, and threads", "[ops][mix_pre][law]", kind_simd_cases) {
  using T = typename TestType::value;
  for (int const threads : {1, 3}) {
    auto const policy = mhc::simd.with_threads(threads);
    check_both<TestType, T>(70, 33, policy);
    if constexpr (std::is_same_v<T, float>) {
      check_both<TestType, mhc::bfloat16>(70, 33, policy);
      check_both<TestType, mhc::half>(35, 8, policy);
    }
  }
}

TEST_CASE("mix_pre refuses what does not fit before it writes", "[ops][mix_pre][errors]") {
  using kind = mhc::connection<float, 2, paper>;
  kind const c{.channels = 3};
  std::vector<float> memory(400, 7.F), parameters(static_cast<std::size_t>(mhc::parameter_count(c)), .1F);
  auto const p = mhc::parameters_at(c, std::as_const(parameters).data());
  float* const m = memory.data();
  auto const call = [&](mhc::stream_view<float, 2> x, mhc::stream_view<float, 2> x_next, std::ptrdiff_t tokens) {
    mhc::mix_pre(mhc::simd, {m + 100, 2}, {m + 110, 2}, x, {m + 120, 2, 3}, c, p, x_next, {m + 130, tokens},
                 {m + 140, 2}, {m + 150, 2}, {m + 170, 2, 3});
  };
  REQUIRE_NOTHROW(call({m, 2, 3}, {m + 20, 2, 3}, 2));
  memory.assign(memory.size(), 7.F);
  REQUIRE_THROWS_AS(call({m, 2, 3}, {m + 20, 2, 3}, 1), mhc::shape_error);
  REQUIRE_THROWS_AS(call({m, 2, 3}, {m + 6, 2, 3}, 2), mhc::shape_error);   // overlaps x in part
  REQUIRE_THROWS_AS(call({m, 2, 4}, {m + 20, 2, 4}, 2), mhc::shape_error);  // not the kind's channels
  REQUIRE_THROWS_AS(call({m, 2, 3}, {nullptr, 2, 3}, 2), mhc::shape_error);
  for (float const value : memory) REQUIRE(value == 7.F);
}
