// SPDX-License-Identifier: MIT
// coefficients, pre and the learned contract: the device against the reference and against mhc::seq.

#include "cuda/support/device.hpp"
#include "support/kinds.hpp"

#include <mhc/ops/contract/contract.hpp>

using namespace mhc::test;
using mhc::update;

template <class T, int N, class K>
using on_device = kind_case<device_policy, T, N, K>;
template <class Case>
using on_host = kind_case<mhc::cpu::sequential_policy, typename Case::value, Case::n, typename Case::kind>;

using device_kinds =
    std::tuple<on_device<double, 1, plain>, on_device<double, 2, hc_static>, on_device<double, 3, hc_dynamic>,
               on_device<float, 4, hc_dynamic>, on_device<double, 2, mhc_sinkhorn>, on_device<double, 4, mhc_sinkhorn>,
               on_device<float, 4, mhc_sinkhorn>, on_device<float, 3, mhc_entropic>, on_device<float, 8, mhc_entropic>>;

TEMPLATE_LIST_TEST_CASE("coefficients and pre on the device agree with their definition", "[cuda][gates]",
                        device_kinds) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : {1, 4, 33, 132})
    for (std::ptrdiff_t const batch : {0, 1, 5}) {
      auto const kind = TestType::make(channels);
      auto const p = random_parameters(kind);
      auto const x = gaussian<T>(batch * N * channels, 1, 21);
      for (bool const with_u : {false, true})
        for (bool const misaligned : {false, true}) {
          CAPTURE(N, channels, batch, with_u, misaligned);
          auto const h = run_gates<TestType>(with_u, kind, p, x, {misaligned});
          auto const e = expected_gates(with_u, kind, p, x);
          CHECK(error(h.pre, e.pre) <= chain<T>(N, channels));
          CHECK(error(h.post, e.post) <= chain<T>(N, channels));
          CHECK(error(h.res, e.res) <= 4 * chain<T>(N, channels));
          CHECK(error(h.u, e.u) <= 4 * chain<T>(N, channels) * std::max(1.L, largest(x)));
        }
    }
}

TEMPLATE_LIST_TEST_CASE("gradients of coefficients and pre on the device", "[cuda][gates][gradient]", device_kinds) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : {1, 4, 33, 132})
    for (std::ptrdiff_t const batch : {0, 1, 5}) {
      auto const kind = TestType::make(channels);
      auto const p = random_parameters(kind);
      auto const x = gaussian<T>(batch * N * channels, 1, 22);
      for (bool const with_u : {false, true})
        for (auto const mode : {update::overwrite, update::accumulate}) {
          CAPTURE(N, channels, batch, with_u, mode == update::accumulate);
          auto const g = random_cotangents(with_u, kind, batch);
          bool const misaligned = channels == 132 && mode == update::accumulate;
          auto const actual = run_gates_vjp<TestType>(with_u, kind, p, x, g, {misaligned}, mode, T(1));
          auto const host = run_gates_vjp<on_host<TestType>>(with_u, kind, p, x, g, {}, mode, T(1));
          auto const scale = chain<T>(N, channels + batch) * 16;
          CHECK(relative_error(actual.x, widen(host.x)) <= scale);
          CHECK(relative_error(actual.parameters, widen(host.parameters)) <= scale);
          auto const again = run_gates_vjp<TestType>(with_u, kind, p, x, g, {misaligned}, mode, T(1));
          CHECK(same_bits(again.x, actual.x));
          CHECK(same_bits(again.parameters, actual.parameters));
        }
    }
}

using large_kinds = std::tuple<on_device<float, 4, mhc_sinkhorn>, on_device<double, 3, hc_dynamic>>;

TEMPLATE_LIST_TEST_CASE("many tokens of gates on the device", "[cuda][gates][large]", large_kinds) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  std::ptrdiff_t const channels = 20, batch = 611;
  auto const kind = TestType::make(channels);
  auto const p = random_parameters(kind);
  auto const x = gaussian<T>(batch * N * channels, 1, 23);
  auto const h = run_gates<TestType>(true, kind, p, x);
  auto const e = run_gates<on_host<TestType>>(true, kind, p, x);
  CHECK(error(h.pre, e.pre) <= chain<T>(N, channels));
  CHECK(error(h.res, e.res) <= 4 * chain<T>(N, channels));
  CHECK(error(h.u, e.u) <= 16 * chain<T>(N, channels));
  auto const g = random_cotangents(true, kind, batch);
  auto const d = run_gates_vjp<TestType>(true, kind, p, x, g);
  auto const f = run_gates_vjp<on_host<TestType>>(true, kind, p, x, g);
  CHECK(relative_error(d.x, widen(f.x)) <= 64 * chain<T>(N, channels));
  CHECK(relative_error(d.parameters, widen(f.parameters)) <= 64 * chain<T>(N, channels));
}

struct learned {
  template <class T, int N>
  static mhc::head<T, N> make(std::ptrdiff_t channels) {
    return {.channels = channels, .norm_epsilon = T(.125), .pre_epsilon = T(.0625)};
  }
};

using head_cases = std::tuple<on_device<float, 4, learned>, on_device<double, 3, learned>>;

TEMPLATE_LIST_TEST_CASE("the learned contract on the device", "[cuda][gates][contract]", head_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  std::ptrdiff_t const batch = 5, channels = 36;
  auto const kind = TestType::make(channels);
  auto const parameters = random_parameters(kind);
  auto const values = gaussian<T>(batch * N * channels, 1, 24), cotangent = gaussian<T>(batch * channels, 1, 25);
  auto const run = [&](auto const& policy) {
    guarded<T> const p(parameters), x(values), g(cotangent);
    guarded<T> h(batch * N), u(batch * channels), xg(batch * N * channels), pg(parameter_count(kind), T(1));
    auto const pv = parameters_at(kind, p.data());
    mhc::contract(policy, kind, pv, {x.data(), batch, channels}, {h.data(), batch}, {u.data(), batch, channels});
    mhc::contract_vjp(policy, kind, pv, {x.data(), batch, channels}, {g.data(), batch, channels},
                      {xg.data(), batch, channels}, parameters_at(kind, pg.data()));
    return std::vector{h.values(), u.values(), xg.values(), pg.values()};
  };
  auto const actual = run(device_policy{}), expected = run(mhc::seq);
  for (std::size_t k = 0; k < actual.size(); ++k) {
    CAPTURE(k);
    CHECK(relative_error(actual[k], widen(expected[k])) <= 16 * chain<T>(N, channels));
  }
}
