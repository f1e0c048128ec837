// SPDX-License-Identifier: MIT
// Coefficients of streams of 16 bits: as of the same numbers in float, and what has the streams' element rounded once.

#include "support/kinds.hpp"

#include <mhc/ops/contract/contract.hpp>

using namespace mhc::test;
using mhc::bfloat16;
using mhc::half;
using mhc::update;

/// The same case on streams of float.
template <class Case>
using in_float = kind_case<typename Case::policy, float, Case::n, typename Case::kind>;

using short_kinds =
    joined<on_both<bfloat16, 1, plain>, on_both<half, 2, hc_static>, on_both<bfloat16, 3, hc_dynamic>,
           on_both<bfloat16, 4, mhc_sinkhorn>, on_both<half, 4, mhc_sinkhorn>, on_both<half, 3, mhc_entropic>>;

template <class S>
std::vector<float> as_floats(std::vector<S> const& a) {
  return {a.begin(), a.end()};
}

TEMPLATE_LIST_TEST_CASE("coefficients of streams of 16 bits", "[ops][coefficients][pre][elements]", short_kinds) {
  using S = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : {1, 16, 37, 300})
    for (std::ptrdiff_t const batch : {0, 1, 35})
      for (bool const with_u : {false, true}) {
        CAPTURE(channels, batch, with_u);
        auto const kind = TestType::make(channels);
        auto const p = random_parameters(kind);
        auto const x = gaussian<S>(batch * N * channels, 1, 3);
        auto const h = run_gates<TestType>(with_u, kind, p, x);
        auto const f = run_gates<in_float<TestType>>(with_u, kind, p, as_floats(x));
        REQUIRE(same_bits(h.pre, f.pre));
        REQUIRE(same_bits(h.post, f.post));
        REQUIRE(same_bits(h.res, f.res));
        REQUIRE(same_bits(as_floats(h.u), rounded<S>(f.u)));
        if (channels > 37) continue;  // the bound is for sums of few terms
        auto const e = expected_gates(with_u, kind, p, x);
        float const bound = chain<float>(N, channels);
        REQUIRE(error(h.pre, e.pre) <= bound);
        REQUIRE(error(h.post, e.post) <= bound);
        REQUIRE(error(h.res, e.res) <= bound);
        REQUIRE(error_beyond_rounding<S>(h.u, e.u) <= 2 * bound * std::max(1.L, largest(e.u)));
      }
}

TEMPLATE_LIST_TEST_CASE("gradients through coefficients of streams of 16 bits",
                        "[ops][coefficients][pre][elements][gradient]", short_kinds) {
  using S = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : {1, 9, 300})  // 192 channels are worked on at a time
    for (std::ptrdiff_t const batch : {0, 2, 70})    // and 64 tokens
      for (bool const with_u : {false, true})
        for (auto const mode : {update::overwrite, update::accumulate}) {
          CAPTURE(channels, batch, with_u, mode == update::accumulate);
          auto const kind = TestType::make(channels);
          auto const p = random_parameters(kind);
          auto const x = gaussian<S>(batch * N * channels, 1, 3);
          auto const g = random_cotangents<S>(with_u, kind, batch);
          auto const d = run_gates_vjp<TestType>(with_u, kind, p, x, g, {}, mode, 2.F);
          auto const f = run_gates_vjp<in_float<TestType>>(with_u, kind, p, as_floats(x), g, {}, mode, 2.F);
          REQUIRE(same_bits(as_floats(d.x), rounded<S>(f.x)));
          REQUIRE(same_bits(d.parameters, f.parameters));
          if (channels > 9 || batch > 2) continue;  // the reference is slow
          auto e = expected_gates_vjp(with_u, kind, p, x, g);
          for (auto& v : e.x) v += mode == update::accumulate ? 2 : 0;
          for (auto& v : e.parameters) v += 2;
          long double const bound = 4 * chain<float>(N, channels);
          REQUIRE(error_beyond_rounding<S>(d.x, e.x) <= bound * largest(e.x));
          REQUIRE(relative_error(d.parameters, e.parameters) <= bound);
        }
}

using short_simd_kinds =
    std::tuple<kind_case<mhc::simd_t, bfloat16, 4, mhc_sinkhorn>, kind_case<mhc::simd_t, half, 3, hc_dynamic>>;

TEMPLATE_LIST_TEST_CASE("streams of 16 bits: threads do not show in a bit of the gradients",
                        "[ops][pre][elements][law]", short_simd_kinds) {
  using S = typename TestType::value;
  constexpr int N = TestType::n;
  std::ptrdiff_t const channels = 400, batch = 70;
  auto const kind = TestType::make(channels);
  auto const p = random_parameters(kind);
  auto const x = gaussian<S>(batch * N * channels, 1, 3);
  auto const g = random_cotangents(true, kind, batch);
  auto const h = run_gates<TestType>(true, kind, p, x);
  auto const d = run_gates_vjp<TestType>(true, kind, p, x, g);
  for (int const threads : {2, 3, 0}) {
    auto const policy = mhc::simd.with_threads(threads);
    auto const k = run_gates<TestType>(true, kind, p, x, policy);
    auto const e = run_gates_vjp<TestType>(true, kind, p, x, g, policy);
    REQUIRE(same_bits(k.res, h.res));
    REQUIRE(same_bits(k.u, h.u));
    REQUIRE(same_bits(e.x, d.x));
    REQUIRE(same_bits(e.parameters, d.parameters));
  }
}

TEMPLATE_LIST_TEST_CASE("streams of 16 bits: a NaN stays in its token", "[ops][pre][elements][nonfinite]",
                        short_simd_kinds) {
  using S = typename TestType::value;
  constexpr int N = TestType::n;
  std::ptrdiff_t const channels = 21, batch = 37, bad = 18, row = N * channels;
  auto const kind = TestType::make(channels);
  auto const p = random_parameters(kind);
  auto x = gaussian<S>(batch * row, 1, 3);
  auto const g = random_cotangents(true, kind, batch);
  auto const clean = run_gates_vjp<TestType>(true, kind, p, x, g).x;
  for (int i = 0; i < N; ++i) x[static_cast<std::size_t>(bad * row + i * channels + 5)] = not_a_number<S>;
  auto const d = run_gates_vjp<TestType>(true, kind, p, x, g).x;
  for (std::ptrdiff_t k = 0; k < batch * row; ++k) {
    auto const at = static_cast<std::size_t>(k);
    if (k / row == bad ? !std::isnan(float(d[at])) : d[at].bits != clean[at].bits) FAIL("element " << k);
  }
}

TEMPLATE_TEST_CASE("the learned contract of streams of 16 bits", "[ops][contract][elements]", bfloat16, half) {
  constexpr int N = 4;
  std::ptrdiff_t const channels = 37, batch = 5;
  mhc::head<float, N> const kind{.channels = channels, .norm_epsilon = .125F, .pre_epsilon = .0625F};
  auto const p = random_parameters(kind);
  auto const x = as_floats(gaussian<TestType>(batch * N * channels, 1, 3));
  auto const g = as_floats(gaussian<TestType>(batch * channels, 1, 4));
  auto const run = [&]<class S>(auto const& policy, S const&) {
    guarded<float> const ps(p);
    guarded<S> const xs = stored<S>(x), gs = stored<S>(g);
    guarded<float> h(batch * N), pg(parameter_count(kind), 1);
    guarded<S> u(batch * channels), xg(batch * N * channels);
    auto const at = parameters_at(kind, ps.data());
    mhc::stream_view<S const, N> const xv{xs.data(), batch, channels};
    mhc::contract(policy, kind, at, xv, {h.data(), batch}, {u.data(), batch, channels});
    mhc::contract_vjp(policy, kind, at, xv, {gs.data(), batch, channels}, {xg.data(), batch, channels},
                      parameters_at(kind, pg.data()));
    return std::vector{h.values(), pg.values(), as_floats(u.values()), as_floats(xg.values())};
  };
  auto const check = [&](auto const& policy) {
    auto const a = run(policy, TestType{}), f = run(policy, float{});
    for (std::size_t const k : {0U, 1U}) REQUIRE(same_bits(a[k], f[k]));
    for (std::size_t const k : {2U, 3U}) REQUIRE(same_bits(a[k], rounded<TestType>(f[k])));
  };
  check(mhc::seq);
  check(mhc::simd);
}
