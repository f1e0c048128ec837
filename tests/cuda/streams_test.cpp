// SPDX-License-Identifier: MIT
// Operations on streams: the device against mhc::seq in long double.

#include "cuda/support/device.hpp"
#include "support/arrays.hpp"
#include "support/cases.hpp"

#include <mhc/ops/aggregate/aggregate.hpp>
#include <mhc/ops/contract/contract.hpp>
#include <mhc/ops/expand/expand.hpp>
#include <mhc/ops/mix/mix.hpp>

#include <map>
#include <string>

using namespace mhc::test;
using mhc::contraction;
using mhc::stream_view;
using mhc::update;

using stream_cases = joined<over_n<device_policy, float, 1, 2, 3, 4, 8>, over_n<device_policy, double, 2, 4, 5, 7>>;

template <class T, int N>
struct problem {
  std::ptrdiff_t batch, channels;
  std::vector<T> res, post, x, y, g, gu;

  problem(std::ptrdiff_t b, std::ptrdiff_t c, unsigned seed)
      : batch(b),
        channels(c),
        res(gaussian<T>(b * N * N, 1, seed)),
        post(gaussian<T>(b * N, 1, seed + 1)),
        x(gaussian<T>(b * N * c, 1, seed + 2)),
        y(gaussian<T>(b * c, 1, seed + 3)),
        g(gaussian<T>(b * N * c, 1, seed + 4)),
        gu(gaussian<T>(b * c, 1, seed + 5)) {}
};

template <class T>
using results = std::map<std::string, std::vector<T>>;

/// Every operation on streams, with arguments of type T holding the same numbers whatever T is.
template <class T, int N, class Policy, class U>
results<T> run(Policy const& policy, problem<U, N> const& in) {
  std::ptrdiff_t const b = in.batch, c = in.channels;
  auto const as = [](std::vector<U> const& a) { return guarded<T>(std::vector<T>(a.begin(), a.end())); };
  auto const res = as(in.res), post = as(in.post), y = as(in.y), gu = as(in.gu);
  auto x = as(in.x), g = as(in.g);
  stream_view<T const, N> const xv{x.data(), b, c}, gv{g.data(), b, c};
  results<T> r;
  {
    guarded<T> next(b * N * c);
    mhc::mix(policy, {res.data(), b}, {post.data(), b}, xv, {y.data(), b, c}, {next.data(), b, c});
    r["mix"] = next.values();
  }
  for (auto const mode : {update::overwrite, update::accumulate}) {
    std::string const suffix = mode == update::overwrite ? "" : " accumulated";
    guarded<T> rg(b * N * N), pg(b * N), xg(b * N * c, mode == update::overwrite ? not_a_number<T> : T(2)), yg(b * c);
    mhc::mix_vjp(policy, {res.data(), b}, {post.data(), b}, xv, {y.data(), b, c}, gv, {rg.data(), b}, {pg.data(), b},
                 {xg.data(), b, c}, {yg.data(), b, c}, mode);
    r["mix_vjp h_res" + suffix] = rg.values();
    r["mix_vjp h_post" + suffix] = pg.values();
    r["mix_vjp x" + suffix] = xg.values();
    r["mix_vjp y" + suffix] = yg.values();
    guarded<T> hg(b * N), ag(b * N * c, mode == update::overwrite ? not_a_number<T> : T(2));
    mhc::aggregate_vjp(policy, {post.data(), b}, xv, {gu.data(), b, c}, {hg.data(), b}, {ag.data(), b, c}, mode);
    r["aggregate_vjp h_pre" + suffix] = hg.values();
    r["aggregate_vjp x" + suffix] = ag.values();
  }
  for (auto const how : {contraction::sum, contraction::mean}) {
    std::string const name = how == contraction::sum ? "sum" : "mean";
    guarded<T> u(b * c), xg(b * N * c);
    mhc::contract(policy, how, xv, {u.data(), b, c});
    mhc::contract_vjp(policy, how, {gu.data(), b, c}, stream_view<T, N>{xg.data(), b, c});
    r["contract " + name] = u.values();
    r["contract_vjp " + name] = xg.values();
  }
  guarded<T> u(b * c), xe(b * N * c), ye(b * c);
  mhc::aggregate(policy, {post.data(), b}, xv, {u.data(), b, c});
  mhc::expand(policy, {y.data(), b, c}, stream_view<T, N>{xe.data(), b, c});
  mhc::expand_vjp(policy, xv, {ye.data(), b, c});
  r["aggregate"] = u.values();
  r["expand"] = xe.values();
  r["expand_vjp"] = ye.values();
  // in place, last: x and g are spoiled
  mhc::mix(policy, {res.data(), b}, {post.data(), b}, xv, {y.data(), b, c}, {x.data(), b, c});
  r["mix in place"] = x.values();
  auto const again = as(in.x);
  guarded<T> rg(b * N * N), pg(b * N), yg(b * c);
  mhc::mix_vjp(policy, {res.data(), b}, {post.data(), b}, stream_view<T const, N>{again.data(), b, c}, {y.data(), b, c},
               gv, {rg.data(), b}, {pg.data(), b}, {g.data(), b, c}, {yg.data(), b, c});
  r["mix_vjp x in place"] = g.values();
  return r;
}

template <class Case, class T = typename Case::value, int N = Case::n>
void check(std::ptrdiff_t batch, std::ptrdiff_t channels, bool misaligned) {
  CAPTURE(N, batch, channels, misaligned);
  problem<T, N> const in(batch, channels, static_cast<unsigned>(batch + 7 * channels));
  device_policy const device{misaligned};
  auto const actual = run<T, N>(device, in);
  auto const expected = run<long double, N>(mhc::seq, in);
  REQUIRE(actual.size() == 22);
  for (auto const& [name, e] : expected) {
    CAPTURE(name);
    auto const size = std::max(largest(e), std::sqrt(static_cast<long double>(channels)));  // of a sum of that many
    CHECK(error(actual.at(name), e) <= T(N + 16) * eps<T> * size);
  }
  auto const again = run<T, N>(device, in);
  for (auto const& [name, a] : actual) {
    CAPTURE(name);
    CHECK(same_bits(again.at(name), a));
  }
}

TEMPLATE_LIST_TEST_CASE("streams on the device", "[cuda][streams]", stream_cases) {
  for (bool const misaligned : {false, true})
    for (std::ptrdiff_t const channels : {1, 4, 7, 36, 1030})
      for (std::ptrdiff_t const batch : {0, 1, 3}) check<TestType>(batch, channels, misaligned);
}

using large_cases = joined<over_n<device_policy, float, 4>, over_n<device_policy, double, 5>>;

TEMPLATE_LIST_TEST_CASE("many tokens of streams on the device", "[cuda][streams][large]", large_cases) {
  check<TestType>(701, 68, false);
  check<TestType>(2, 7168, false);
}

using nan_cases = over_n<device_policy, float, 4>;

TEMPLATE_LIST_TEST_CASE("a NaN on the device stays in its token", "[cuda][streams][nonfinite]", nan_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  problem<T, N> in(3, 9, 5);
  in.x[N * 9 + 4] = not_a_number<T>;
  for (auto const& [name, a] : run<T, N>(device_policy{}, in)) {
    CAPTURE(name);
    std::size_t const row = a.size() / 3;
    CHECK(!any_nan(std::vector<T>(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(row))));
    CHECK(!any_nan(std::vector<T>(a.begin() + static_cast<std::ptrdiff_t>(2 * row), a.end())));
  }
}
