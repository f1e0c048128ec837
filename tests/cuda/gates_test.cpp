// SPDX-License-Identifier: MIT
// coefficients, pre and the learned contract: the device against the reference and against mhc::seq.

#include "cuda/support/device.hpp"
#include "support/kinds.hpp"

#include <mhc/ops/contract/contract.hpp>

#include <algorithm>
#include <array>
#include <cmath>

using namespace mhc::test;
using mhc::update;

template <class T, int N, class K>
using on_device = kind_case<device_policy, T, N, K>;
template <class Case>
using on_host = kind_case<mhc::cpu::sequential_policy, mhc::coefficient_t<typename Case::value>, Case::n,
                          typename Case::kind>;  // of streams in what is computed in

/// What rounding to the streams' element changes a gradient of x by, relative to its largest, besides the last rounding:
/// every 24 scores of a row make a sum that is rounded, of no more than twice that size here.
template <class Case>
inline constexpr long double rounded_sums =
    2 * rounding<typename Case::value> * ((std::max(Case::type::scores_per_row, 1) - 1) / 24);

using device_kinds =
    std::tuple<on_device<mhc::bfloat16, 1, plain>, on_device<mhc::bfloat16, 4, mhc_sinkhorn>,
               on_device<mhc::half, 4, hc_dynamic>, on_device<mhc::half, 5, mhc_sinkhorn>, on_device<double, 1, plain>,
               on_device<float, 1, hc_static>, on_device<double, 2, hc_static>, on_device<double, 3, hc_dynamic>,
               on_device<float, 4, hc_dynamic>, on_device<double, 2, mhc_sinkhorn>, on_device<double, 4, mhc_sinkhorn>,
               on_device<float, 4, mhc_sinkhorn>, on_device<float, 3, mhc_entropic>, on_device<float, 8, mhc_entropic>>;

TEMPLATE_LIST_TEST_CASE("coefficients and pre on the device agree with their definition", "[cuda][gates]",
                        device_kinds) {
  using S = typename TestType::value;
  using T = mhc::coefficient_t<S>;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : {1, 4, 33, 136})
    for (std::ptrdiff_t const batch : {0, 1, 5}) {
      auto const kind = TestType::make(channels);
      auto const p = random_parameters(kind);
      auto const x = gaussian<S>(batch * N * channels, 1, 21);
      for (bool const with_u : {false, true})
        for (bool const misaligned : {false, true}) {
          CAPTURE(N, channels, batch, with_u, misaligned);
          auto const h = run_gates<TestType>(with_u, kind, p, x, {misaligned});
          auto const e = expected_gates(with_u, kind, p, x);
          CHECK(error(h.pre, e.pre) <= chain<T>(N, channels));
          CHECK(error(h.post, e.post) <= chain<T>(N, channels));
          CHECK(error(h.res, e.res) <= 4 * chain<T>(N, channels));
          CHECK(error_beyond_rounding<S>(h.u, e.u) <= 4 * chain<T>(N, channels) * std::max(1.L, largest(x)));
        }
    }
}

TEMPLATE_LIST_TEST_CASE("gradients of coefficients and pre on the device", "[cuda][gates][gradient]", device_kinds) {
  using S = typename TestType::value;
  using T = mhc::coefficient_t<S>;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : {1, 4, 33, 136})
    for (std::ptrdiff_t const batch : {0, 1, 5}) {
      auto const kind = TestType::make(channels);
      auto const p = random_parameters(kind);
      auto const x = gaussian<S>(batch * N * channels, 1, 22);
      std::vector<T> const numbers(x.begin(), x.end());
      for (bool const with_u : {false, true})
        for (auto const mode : {update::overwrite, update::accumulate}) {
          CAPTURE(N, channels, batch, with_u, mode == update::accumulate);
          auto const g = random_cotangents<S>(with_u, kind, batch);
          bool const misaligned = channels == 136 && mode == update::accumulate;
          auto const actual = run_gates_vjp<TestType>(with_u, kind, p, x, g, {misaligned}, mode, T(1));
          auto const host = run_gates_vjp<on_host<TestType>>(with_u, kind, p, numbers, g, {}, mode, T(1));
          auto const scale = chain<T>(N, channels + batch) * 16;
          CHECK(error_beyond_rounding<S>(actual.x, widen(host.x)) <= (scale + rounded_sums<TestType>)*largest(host.x));
          CHECK(relative_error(actual.parameters, widen(host.parameters)) <= scale);
          auto const again = run_gates_vjp<TestType>(with_u, kind, p, x, g, {misaligned}, mode, T(1));
          CHECK(same_bits(again.x, actual.x));
          CHECK(same_bits(again.parameters, actual.parameters));
          auto const scores = run_gates<TestType>(with_u, kind, p, x, {misaligned}, true).scores;
          auto const kept = run_gates_vjp<TestType>(with_u, kind, p, x, g, {misaligned}, mode, T(1), scores);
          CHECK(error_beyond_rounding<S>(kept.x, widen(host.x)) <= (scale + rounded_sums<TestType>)*largest(host.x));
          CHECK(relative_error(kept.parameters, widen(host.parameters)) <= scale);
        }
    }
}

using large_kinds = std::tuple<on_device<mhc::bfloat16, 4, mhc_sinkhorn>, on_device<float, 4, mhc_sinkhorn>,
                               on_device<double, 3, hc_dynamic>>;

TEMPLATE_LIST_TEST_CASE("many tokens of gates on the device", "[cuda][gates][large]", large_kinds) {
  using S = typename TestType::value;
  using T = mhc::coefficient_t<S>;
  constexpr int N = TestType::n;
  // In one launch where there is one, by the scan, and by the scan with twice as many rows to a block; and so many channels
  // that a chunk has an odd number of column blocks, and more than the scan holds at once.
  auto const [batch, channels] =
      GENERATE(std::pair(411, 24), std::pair(1111, 24), std::pair(4400, 104), std::pair(1030, 520));
  CAPTURE(batch);
  auto const kind = TestType::make(channels);
  auto const p = random_parameters(kind);
  auto const x = gaussian<S>(batch * N * channels, 1, 23);
  std::vector<T> const numbers(x.begin(), x.end());
  auto const h = run_gates<TestType>(true, kind, p, x, {}, true);
  auto const e = run_gates<on_host<TestType>>(true, kind, p, numbers, {}, true);
  CHECK(error(h.pre, e.pre) <= chain<T>(N, channels));
  CHECK(error(h.scores, e.scores) <= 4 * chain<T>(N, channels) * std::max(1.L, largest(e.scores)));
  CHECK(error(h.res, e.res) <= 4 * chain<T>(N, channels));
  CHECK(error_beyond_rounding<S>(h.u, e.u) <= 16 * chain<T>(N, channels));
  auto const g = random_cotangents<S>(true, kind, batch);
  auto const d = run_gates_vjp<TestType>(true, kind, p, x, g);
  auto const f = run_gates_vjp<on_host<TestType>>(true, kind, p, numbers, g);
  CHECK(error_beyond_rounding<S>(d.x, widen(f.x)) <= 64 * chain<T>(N, channels) * largest(f.x));
  CHECK(relative_error(d.parameters, widen(f.parameters)) <= 64 * chain<T>(N, channels));
  auto const k = run_gates_vjp<TestType>(true, kind, p, x, g, {}, {}, T(0), h.scores);
  CHECK(error_beyond_rounding<S>(k.x, widen(f.x)) <= 64 * chain<T>(N, channels) * largest(f.x));
  CHECK(relative_error(k.parameters, widen(f.parameters)) <= 64 * chain<T>(N, channels));
}

TEMPLATE_TEST_CASE("a token on the device has the same bits in any batch that goes the same way",
                   "[cuda][gates][law][kernels]", float, mhc::bfloat16) {
  using one = on_device<TestType, 4, mhc_sinkhorn>;
  std::ptrdiff_t const channels = 104, row = 4 * channels;
  auto const kind = one::make(channels);
  auto const p = random_parameters(kind);
  auto const x = gaussian<TestType>(4400 * row, 1, 26);
  auto const run = [&](std::ptrdiff_t first, std::ptrdiff_t count) {
    return run_gates<one>(true, kind, p, {x.begin() + first * row, x.begin() + (first + count) * row});
  };
  auto const same = [&](auto const& part, auto const& whole, std::ptrdiff_t first, std::ptrdiff_t count) {
    auto const equal = [&]<class V>(V const& a, V const& b, std::ptrdiff_t width) {
      return same_bits(a, V(b.begin() + first * width, b.begin() + (first + count) * width));
    };
    return equal(part.pre, whole.pre, 4) && equal(part.post, whole.post, 4) && equal(part.res, whole.res, 16) &&
           equal(part.u, whole.u, channels);
  };
  auto const together = run(0, 300);  // clusters have 32 tokens there, and 16 in smaller batches
  for (std::ptrdiff_t const first : {0, 21, 290}) CHECK(same(run(first, 10), together, first, 10));
  auto const scanned = run(0, 4400);  // of 16 bits, warps have 32 rows there, and 16 in smaller batches
  CHECK(same(run(2000, 1100), scanned, 2000, 1100));
}

TEMPLATE_LIST_TEST_CASE("kept scores on the device are read, or left alone", "[cuda][gates][scores]", device_kinds) {
  using S = typename TestType::value;
  using T = mhc::coefficient_t<S>;
  constexpr int N = TestType::n;
  std::ptrdiff_t const batch = 5, channels = 33, width = mhc::kept_numbers<typename TestType::type>;
  auto const kind = TestType::make(channels);
  auto const p = random_parameters(kind);
  auto const x = gaussian<S>(batch * N * channels, 1, 28);
  auto const g = random_cotangents<S>(true, kind, batch);
  auto scores = run_gates<TestType>(true, kind, p, x, {}, true).scores;
  if (!is_dynamic(kind)) CHECK(all_nan(scores));  // as they were
  auto const clean = run_gates_vjp<TestType>(true, kind, p, x, g, {}, {}, T(0), scores).x;
  std::fill_n(scores.begin() + 2 * width, width, not_a_number<T>);
  auto const spoilt = run_gates_vjp<TestType>(true, kind, p, x, g, {}, {}, T(0), scores).x;
  for (std::ptrdiff_t b = 0; b < batch; ++b) {
    CAPTURE(b);
    auto const token = [&](auto const& a) { return widen(a, b * N * channels, N * channels); };
    CHECK((b == 2 && is_dynamic(kind) ? all_nan(token(spoilt)) : token(spoilt) == token(clean)));
  }
}

TEMPLATE_TEST_CASE("a NaN in gates on the device stays in its token", "[cuda][gates][nonfinite]", float,
                   mhc::bfloat16) {
  using one = on_device<TestType, 4, mhc_sinkhorn>;
  std::ptrdiff_t const channels = 40, row = 4 * channels, batch = GENERATE(40, 1040), bad = 21;
  auto const kind = one::make(channels);
  auto const p = random_parameters(kind);
  auto x = gaussian<TestType>(batch * row, 1, 27);
  auto const g = random_cotangents<TestType>(true, kind, batch);
  auto const run = [&] {
    auto const h = run_gates<one>(true, kind, p, x);
    return std::array{widen(h.pre), widen(h.res), widen(h.u), widen(run_gates_vjp<one>(true, kind, p, x, g).x)};
  };
  auto const clean = run();
  x[static_cast<std::size_t>(bad * row + 33)] = TestType(NAN);
  auto const spoilt = run();
  std::ptrdiff_t const width[] = {4, 16, channels, row};
  for (std::size_t k = 0; k < clean.size(); ++k) {
    CAPTURE(batch, k);
    CHECK(std::isnan(spoilt[k][static_cast<std::size_t>(bad * width[k])]));
    auto const in_token = [&](auto const& a) { return a.begin() + bad * width[k]; };
    CHECK(std::equal(clean[k].begin(), in_token(clean[k]), spoilt[k].begin()));
    CHECK(std::equal(in_token(clean[k]) + width[k], clean[k].end(), in_token(spoilt[k]) + width[k]));
  }
}

struct learned {
  template <class T, int N>
  static mhc::head<T, N> make(std::ptrdiff_t channels) {
    return {.channels = channels, .norm_epsilon = T(.125), .pre_epsilon = T(.0625)};
  }
};

using head_cases =
    std::tuple<on_device<mhc::bfloat16, 4, learned>, on_device<float, 4, learned>, on_device<double, 3, learned>>;

TEMPLATE_LIST_TEST_CASE("the learned contract on the device", "[cuda][gates][contract]", head_cases) {
  using S = typename TestType::value;
  using T = mhc::coefficient_t<S>;
  constexpr int N = TestType::n;
  std::ptrdiff_t const batch = 5, channels = 40;
  auto const kind = TestType::make(channels);
  auto const parameters = random_parameters(kind);
  auto const values = gaussian<S>(batch * N * channels, 1, 24), cotangent = gaussian<S>(batch * channels, 1, 25);
  auto const run = [&]<class X>(auto const& policy, X const&) {
    guarded<T> const p(parameters);
    guarded<X> const x = stored<X>(values), g = stored<X>(cotangent);
    guarded<T> h(batch * N), pg(parameter_count(kind), T(1));
    guarded<X> u(batch * channels), xg(batch * N * channels);
    guarded<T> scores(batch * (N + 1));
    auto const pv = parameters_at(kind, p.data());
    mhc::stream_view<X const, N> const xv{x.data(), batch, channels};
    mhc::contract(policy, kind, pv, xv, {h.data(), batch}, {u.data(), batch, channels}, {scores.data(), batch});
    mhc::contract_vjp(policy, kind, pv, xv, {g.data(), batch, channels}, {xg.data(), batch, channels},
                      parameters_at(kind, pg.data()));
    guarded<T> pg_kept(parameter_count(kind), T(1));
    guarded<X> xg_kept(batch * N * channels);
    mhc::contract_vjp(policy, kind, pv, xv, {g.data(), batch, channels}, {xg_kept.data(), batch, channels},
                      parameters_at(kind, pg_kept.data()), update::overwrite, {scores.data(), batch});
    return std::vector{widen(h.values()), widen(pg.values()), widen(pg_kept.values()), widen(scores.values()),
                       widen(u.values()), widen(xg.values()), widen(xg_kept.values())};
  };
  auto const actual = run(device_policy{}, S{}), expected = run(mhc::seq, T{});
  for (std::size_t k = 0; k < actual.size(); ++k) {
    CAPTURE(k);
    auto const& e = expected[k];
    long double const off = k < 4 ? error(actual[k], e) : error_beyond_rounding<S>(actual[k], e);
    CHECK(off <= 16 * chain<T>(N, channels) * largest(e));
  }
}
