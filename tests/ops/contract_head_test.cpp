// SPDX-License-Identifier: MIT
// The learned contraction.

#include "support/kinds.hpp"
#include "support/refusals.hpp"

#include <mhc/ops/contract/contract.hpp>

using namespace mhc::test;
using mhc::update;

struct learned {
  template <class T, int N>
  static mhc::head<T, N> make(std::ptrdiff_t channels) {
    return {.channels = channels, .norm_epsilon = T(.125), .pre_epsilon = T(.0625)};
  }
};
using head_cases = joined<on_both<double, 1, learned>, on_both<double, 3, learned>, on_both<double, 8, learned>,
                          on_both<float, 4, learned>>;

template <class T>
struct result {
  std::vector<T> h_pre, u, x, parameters;
};

template <class Case, class T = typename Case::value>
result<T> run(typename Case::type const& kind, std::vector<T> const& parameters, std::vector<T> const& x,
              std::vector<T> const& g, typename Case::policy const& policy = {}, update mode = update::overwrite,
              T start = 0) {
  constexpr int N = Case::n;
  std::ptrdiff_t const c = kind.channels, b = static_cast<std::ptrdiff_t>(x.size()) / (N * c);
  guarded<T> const xs(x), ps(parameters), gs(g);
  guarded<T> h(b * N), u(b * c), xg(b * N * c, mode == update::accumulate ? start : not_a_number<T>);
  guarded<T> pg(parameter_count(kind), start);
  auto const p = parameters_at(kind, ps.data());
  mhc::contract(policy, kind, p, {xs.data(), b, c}, {h.data(), b}, {u.data(), b, c});
  mhc::contract_vjp(policy, kind, p, {xs.data(), b, c}, {gs.data(), b, c}, {xg.data(), b, c},
                    parameters_at(kind, pg.data()), mode);
  return {h.values(), u.values(), xg.values(), pg.values()};
}

TEMPLATE_LIST_TEST_CASE("the learned contraction and its gradients agree with their definition",
                        "[ops][contract][gradient]", head_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : {1, 5, 9})
    for (std::ptrdiff_t const batch : {0, 1, 17}) {
      CAPTURE(N, channels, batch);
      auto const kind = TestType::make(channels);
      auto const p = random_parameters(kind);
      std::ptrdiff_t const row = N * channels;
      auto const x = gaussian<T>(batch * row), g = gaussian<T>(batch * channels, 1, 2);
      result<long double> e{{}, {}, {}, std::vector<long double>(p.size(), 0)};
      auto const parts = split(kind, p);
      for (std::ptrdiff_t b = 0; b < batch; ++b) {
        auto const token = widen(x, b * row, row), cotangent = widen(g, b * channels, channels);
        auto const h = reference_of(kind)(reference::parameters<long double>{parts[0], parts[1], parts[2]}, token);
        auto const u = reference::aggregate(h.pre, token);
        e.h_pre.insert(e.h_pre.end(), h.pre.begin(), h.pre.end());
        e.u.insert(e.u.end(), u.begin(), u.end());
        auto const loss = [&](auto const& in) {
          using S = typename std::decay_t<decltype(in[0])>::value_type;
          auto const gates = reference_of(kind)(reference::parameters<S>{in[1], in[2], in[3]}, in[0]);
          return reference::contraction(cotangent, reference::aggregate(gates.pre, in[0]));
        };
        auto const d = reference::gradients(loss, {token, parts[0], parts[1], parts[2]});
        e.x.insert(e.x.end(), d[0].begin(), d[0].end());
        std::size_t k = 0;
        for (std::size_t part = 1; part < 4; ++part)
          for (auto const v : d[part]) e.parameters[k++] += v;
      }
      T const bound = T(4) * chain<T>(N, channels);
      auto const d = run<TestType>(kind, p, x, g);
      REQUIRE(error(d.h_pre, e.h_pre) <= bound);
      REQUIRE(relative_error(d.u, e.u) <= bound);
      REQUIRE(relative_error(d.x, e.x) <= bound);
      REQUIRE(relative_error(d.parameters, e.parameters) <= bound);
      auto const more = run<TestType>(kind, p, x, g, {}, update::accumulate, T(2));
      for (auto& v : e.x) v += 2;
      for (auto& v : e.parameters) v += 2;
      REQUIRE(relative_error(more.x, e.x) <= bound);
      REQUIRE(relative_error(more.parameters, e.parameters) <= bound);
    }
}

TEST_CASE("the learned contraction: threads do not show in a bit", "[ops][contract][law]") {
  using one = kind_case<mhc::simd_t, float, 4, learned>;
  auto const kind = one::make(300);
  auto const p = random_parameters(kind), x = gaussian<float>(90 * 4 * 300), g = gaussian<float>(90 * 300, 1, 2);
  auto const d = run<one>(kind, p, x, g);
  for (int const threads : {2, 3, 4}) {
    auto const e = run<one>(kind, p, x, g, mhc::simd.with_threads(threads));
    REQUIRE(same_bits(e.h_pre, d.h_pre));
    REQUIRE(same_bits(e.u, d.u));
    REQUIRE(same_bits(e.x, d.x));
    REQUIRE(same_bits(e.parameters, d.parameters));
  }
}

template <class Policy>
struct forward_call {
  Policy policy;
  mhc::head<float, 3> kind{.channels = 5};
  mhc::stream_view<float, 3> x;
  float *phi, *alpha, *bias;
  mhc::vector_view<float, 3> h_pre;
  mhc::token_view<float> u;
  mhc::vector_view<float, 4> scores;
  static constexpr char const *leader = "x", *single = ".alpha";
  template <class F>
  void each(F f) {
    f("x", x, false), f("parameters.phi", phi, false), f("parameters.alpha", alpha, false);
    f("parameters.bias", bias, false), f("h_pre", h_pre, true), f("u", u, true);
    f("scores", scores, true);
  }
  void run() const { mhc::contract(policy, kind, {phi, alpha, bias}, x, h_pre, u, scores); }
  bool may_share(std::string const&, std::string const&) const { return false; }
};

template <class Policy>
struct backward_call {
  Policy policy;
  mhc::head<float, 3> kind{.channels = 5};
  mhc::stream_view<float, 3> x;
  float *phi, *alpha, *bias;
  mhc::token_view<float> u_gradient;
  mhc::stream_view<float, 3> x_gradient;
  float *phi_gradient, *alpha_gradient, *bias_gradient;
  mhc::vector_view<float, 4> scores;
  static constexpr char const *leader = "x", *single = ".alpha";
  template <class F>
  void each(F f) {
    f("x", x, false), f("parameters.phi", phi, false), f("parameters.alpha", alpha, false);
    f("parameters.bias", bias, false), f("u_gradient", u_gradient, false), f("x_gradient", x_gradient, true);
    f("parameters_gradient.phi", phi_gradient, true), f("parameters_gradient.alpha", alpha_gradient, true);
    f("parameters_gradient.bias", bias_gradient, true), f("scores", scores, false);
  }
  void run() const {
    mhc::contract_vjp(policy, kind, {phi, alpha, bias}, x, u_gradient, x_gradient,
                      {phi_gradient, alpha_gradient, bias_gradient}, mhc::update::overwrite, scores);
  }
  bool may_share(std::string const&, std::string const&) const { return false; }
};

TEMPLATE_TEST_CASE("the learned contraction refuses arguments that do not fit", "[ops][contract][error]",
                   mhc::cpu::sequential_policy, mhc::simd_t) {
  arena<float> a;
  auto const x = a.streams<3>(4, 5);
  float *const phi = a.take(45), *const alpha = a.take(1), *const bias = a.take(3);
  require_refusals("mhc::contract",
                   forward_call<TestType>{.policy = {},
                                          .x = x,
                                          .phi = phi,
                                          .alpha = alpha,
                                          .bias = bias,
                                          .h_pre = a.vectors<3>(4),
                                          .u = a.tokens(4, 5),
                                          .scores = a.vectors<4>(4)},
                   a);
  require_refusals("mhc::contract_vjp",
                   backward_call<TestType>{.policy = {},
                                           .x = x,
                                           .phi = phi,
                                           .alpha = alpha,
                                           .bias = bias,
                                           .u_gradient = a.tokens(4, 5),
                                           .x_gradient = a.streams<3>(4, 5),
                                           .phi_gradient = a.take(45),
                                           .alpha_gradient = a.take(1),
                                           .bias_gradient = a.take(3),
                                           .scores = a.vectors<4>(4)},
                   a);
  mhc::head<float, 3> const kind{.channels = 5};
  mhc::stream_view<float, 3> const none{nullptr, 0, 5};
  mhc::contract(TestType{}, kind, {phi, alpha, bias}, none, {}, {nullptr, 0, 5});
  mhc::contract_vjp(TestType{}, kind, {phi, alpha, bias}, none, {nullptr, 0, 5}, none,
                    {a.take(45), a.take(1), a.take(3)});
}
