// SPDX-License-Identifier: MIT
#include "support/kinds.hpp"

#include <mhc/compose/stack.hpp>

using namespace mhc::test;
using mhc::stack;
using mhc::token_view;

/// F_l(u) = tanh(w_l u) by element, with its derivative.
template <class T>
T weight(std::ptrdiff_t l) {
  return T(.5) + T(.25) * static_cast<T>(l);
}
template <class T>
auto forward_layer() {
  return [](std::ptrdiff_t l, token_view<T const> u, token_view<T> y) {
    for (std::ptrdiff_t k = 0; k < u.size * u.channels; ++k) y.data[k] = std::tanh(weight<T>(l) * u.data[k]);
  };
}
template <class T>
auto backward_layer() {
  return [](std::ptrdiff_t l, token_view<T const> u, token_view<T const> y, token_view<T const> g, token_view<T> ug) {
    for (std::ptrdiff_t k = 0; k < u.size * u.channels; ++k) {
      REQUIRE(y.data[k] == std::tanh(weight<T>(l) * u.data[k]));  // u and y are those of this layer
      ug.data[k] = weight<T>(l) * (1 - y.data[k] * y.data[k]) * g.data[k];
    }
  };
}

template <class T>
struct outcome {
  std::vector<T> out, x, parameters;
};

/// Forward and backward through a stack; the workspace has exactly the size that it says, and starts as NaN.
template <class Case, class Kind, class T = typename Case::value>
outcome<T> run(stack<Kind> const& network, std::vector<T> const& parameters, std::vector<T> const& x,
               std::vector<T> const& g, bool in_place = false, typename Case::policy const& policy = {},
               typename Case::policy const* recomputation = nullptr) {
  std::ptrdiff_t const channels = network.connection.channels;
  auto const tokens = static_cast<std::ptrdiff_t>(x.size()) / (Case::n * channels);
  guarded<T> const xs(x), ps(parameters);
  guarded<T> memory(workspace_size(network, tokens)), out(static_cast<std::ptrdiff_t>(x.size()));
  guarded<T> gs(g), other(static_cast<std::ptrdiff_t>(x.size())), pg(parameter_count(network), T(0));
  auto& xg = in_place ? gs : other;
  std::span<T> const workspace(memory.data(), static_cast<std::size_t>(memory.size()));
  mhc::propagate(policy, network, ps.data(), {xs.data(), tokens, channels}, {out.data(), tokens, channels}, workspace,
                 forward_layer<T>());
  auto const backward = [&](auto const&... policies) {
    mhc::propagate_vjp(policies..., network, ps.data(), {xs.data(), tokens, channels}, workspace,
                       {gs.data(), tokens, channels}, {xg.data(), tokens, channels}, pg.data(), backward_layer<T>());
  };
  recomputation == nullptr ? backward(policy) : backward(policy, *recomputation);
  return {out.values(), xg.values(), pg.values()};
}

template <class T>
bool same(outcome<T> const& a, outcome<T> const& b) {
  return same_bits(a.out, b.out) && same_bits(a.x, b.x) && same_bits(a.parameters, b.parameters);
}

template <class Kind, class T = typename Kind::element>
std::vector<T> parameters_of_layers(stack<Kind> const& network) {
  std::vector<T> all;
  for (std::ptrdiff_t l = 0; l < network.layers; ++l) {
    auto const p = random_parameters(network.connection, static_cast<unsigned>(100 + l));
    all.insert(all.end(), p.begin(), p.end());
  }
  return all;
}

TEMPLATE_LIST_TEST_CASE("a stack and its gradients agree with their definition", "[compose][stack][gradient]",
                        kind_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  std::ptrdiff_t const tokens = 2, channels = 3, layers = 3, row = N * channels;
  auto const kind = TestType::make(channels);
  stack<typename TestType::type> const network{kind, layers};
  auto const p = parameters_of_layers(network);
  auto const x = gaussian<T>(tokens * row), g = gaussian<T>(tokens * row, 1, 2);
  auto const d = run<TestType>(network, p, x, g);

  reference::arrays parts;  // x, then phi, alpha, bias of every layer
  for (std::ptrdiff_t l = 0; l < layers; ++l) {
    auto const each = parameter_count(kind);
    for (auto& part : split(kind, std::vector<T>(p.begin() + l * each, p.begin() + (l + 1) * each)))
      parts.push_back(part);
  }
  auto const propagate = [&](auto const& in) {  // in[0] is x
    using S = typename std::decay_t<decltype(in[0])>::value_type;
    std::vector<reference::parameters<S>> q;
    for (std::size_t k = 1; k < in.size(); k += 3) q.push_back({in[k], in[k + 1], in[k + 2]});
    return reference::stack(reference_of(kind), q, in[0], [](std::size_t l, std::vector<S> u) {
      for (auto& v : u) v = std::tanh(weight<long double>(static_cast<std::ptrdiff_t>(l)) * v);
      return u;
    });
  };
  std::vector<long double> out, xg, pg(p.size(), 0);
  for (std::ptrdiff_t b = 0; b < tokens; ++b) {
    reference::arrays in{widen(x, b * row, row)};
    in.insert(in.end(), parts.begin(), parts.end());
    auto const y = propagate(in);
    out.insert(out.end(), y.begin(), y.end());
    auto const weights = widen(g, b * row, row);
    auto const e =
        reference::gradients([&](auto const& at) { return reference::contraction(weights, propagate(at)); }, in);
    xg.insert(xg.end(), e[0].begin(), e[0].end());
    std::size_t k = 0;
    for (std::size_t part = 1; part < e.size(); ++part)
      for (auto const v : e[part]) pg[k++] += v;
  }
  T const bound = T(8 * layers) * chain<T>(N, channels);  // each layer multiplies what the one before has lost
  if (std::is_same_v<T, double>) REQUIRE(bound < 1e-12);
  REQUIRE(relative_error(d.out, out) <= bound);
  REQUIRE(relative_error(d.x, xg) <= bound);
  REQUIRE(relative_error(d.parameters, pg) <= bound);
}

using memory_cases =
    std::tuple<kind_case<mhc::cpu::sequential_policy, double, 1, plain>, kind_case<mhc::simd_t, float, 3, hc_dynamic>,
               kind_case<mhc::simd_t, double, 4, mhc_sinkhorn>>;

TEMPLATE_LIST_TEST_CASE("recomputing gives the same bits for every block length", "[compose][stack][law]",
                        memory_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const tokens : {0, 1, 5, 17}) {
    std::ptrdiff_t const channels = 7;
    for (std::ptrdiff_t const layers : {1, 2, 7}) {
      CAPTURE(tokens, layers);
      stack<typename TestType::type> const kept{TestType::make(channels), layers, false};
      auto const p = parameters_of_layers(kept);
      auto const x = gaussian<T>(tokens * N * channels), g = gaussian<T>(tokens * N * channels, 1, 2);
      auto const d = run<TestType>(kept, p, x, g);
      REQUIRE(same(run<TestType>(kept, p, x, g, true), d));
      for (std::ptrdiff_t block = 0; block <= layers; ++block) {
        CAPTURE(block);
        stack<typename TestType::type> again{TestType::make(channels), layers, true, block};
        typename TestType::policy const policy{}, other{};
        for (bool const ahead : {false, true}) {
          again.ahead = ahead;
          REQUIRE(same(run<TestType>(again, p, x, g), d));
          REQUIRE(same(run<TestType>(again, p, x, g, true, policy, &other), d));
        }
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("a stack: threads do not show in a bit", "[compose][stack][law]", memory_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  if constexpr (std::is_same_v<typename TestType::policy, mhc::simd_t>) {
    stack<typename TestType::type> const network{TestType::make(9), 4};
    auto const p = parameters_of_layers(network);
    auto const x = gaussian<T>(37 * N * 9), g = gaussian<T>(37 * N * 9, 1, 2);
    auto const d = run<TestType>(network, p, x, g);
    for (int const threads : {2, 3, 4})
      REQUIRE(same(run<TestType>(network, p, x, g, false, mhc::simd.with_threads(threads)), d));
  }
}

TEST_CASE("a stack of plain residuals is the plain residual net", "[compose][stack][law]") {
  using one = kind_case<mhc::simd_t, double, 1, plain>;
  std::ptrdiff_t const layers = 9;
  stack<mhc::residual<double>> const network{one::make(5), layers};
  auto const x = gaussian<double>(3 * 5), g = gaussian<double>(3 * 5, 1, 2);
  auto out = x, back = g;
  std::vector<std::vector<double>> at;
  for (std::ptrdiff_t l = 0; l < layers; ++l) {
    at.push_back(out);
    for (auto& v : out) v += std::tanh(weight<double>(l) * v);
  }
  for (std::ptrdiff_t l = layers; l-- > 0;)
    for (std::size_t k = 0; k < back.size(); ++k) {
      double const y = std::tanh(weight<double>(l) * at[static_cast<std::size_t>(l)][k]);
      back[k] += weight<double>(l) * (1 - y * y) * back[k];
    }
  auto const d = run<one>(network, {}, x, g);
  REQUIRE(relative_error(d.out, out) <= 4 * layers * eps<double>);
  REQUIRE(relative_error(d.x, back) <= 4 * layers * eps<double>);
}

TEST_CASE("with F = 0 and static coefficients a stack is linear, and its vjp the transpose", "[compose][stack][law]") {
  constexpr int N = 3;
  std::ptrdiff_t const channels = 4, layers = 6;
  stack<mhc::hyper_connection<double, N>> const network{{.channels = channels, .dynamic = false}, layers};
  auto const p = parameters_of_layers(network);
  auto const f = [](std::ptrdiff_t, token_view<double const> u, token_view<double> y) {
    std::fill_n(y.data, u.size * u.channels, 0.);
  };
  auto const f_vjp = [](std::ptrdiff_t, token_view<double const>, token_view<double const>, token_view<double const> g,
                        token_view<double> ug) { std::fill_n(ug.data, g.size * g.channels, 0.); };
  std::vector<double> memory(static_cast<std::size_t>(workspace_size(network, 1)));
  auto const forth = [&](std::vector<double> const& x) {
    std::vector<double> out(x.size());
    mhc::propagate(mhc::simd, network, p.data(), {x.data(), 1, channels}, {out.data(), 1, channels}, memory, f);
    return out;
  };
  auto const x = gaussian<double>(N * channels), z = gaussian<double>(N * channels, 1, 2),
             g = gaussian<double>(N * channels, 1, 3);
  std::vector<double> sum(x.size()), expected(x.size());
  for (std::size_t k = 0; k < x.size(); ++k) sum[k] = 2 * x[k] - 3 * z[k];
  auto const fx = forth(x), fz = forth(z);
  for (std::size_t k = 0; k < x.size(); ++k) expected[k] = 2 * fx[k] - 3 * fz[k];
  REQUIRE(relative_error(forth(sum), expected) <= 100 * eps<double>);
  std::vector<double> back(x.size()), pg(p.size());
  forth(x);
  mhc::propagate_vjp(mhc::simd, network, p.data(), {x.data(), 1, channels}, memory, {g.data(), 1, channels},
                     {back.data(), 1, channels}, pg.data(), f_vjp);
  long double const one = reference::contraction(widen(g), widen(fx)),
                    two = reference::contraction(widen(back), widen(x));
  REQUIRE(std::abs(one - two) <= 200 * eps<double> * largest(fx));
}

TEST_CASE("parameters' gradients of a stack are added to", "[compose][stack][gradient]") {
  using one = kind_case<mhc::simd_t, double, 2, mhc_sinkhorn>;
  stack<one::type> const network{one::make(3), 3};
  auto const p = parameters_of_layers(network);
  auto const x = gaussian<double>(5 * 2 * 3), g = gaussian<double>(5 * 2 * 3, 1, 2);
  auto const d = run<one>(network, p, x, g);
  std::vector<double> memory(static_cast<std::size_t>(workspace_size(network, 5))), out(x.size()), xg(x.size());
  std::vector<double> pg(p.size(), 1);
  for (int pass = 0; pass < 2; ++pass) {
    mhc::propagate(mhc::simd, network, p.data(), {x.data(), 5, 3}, {out.data(), 5, 3}, memory, forward_layer<double>());
    mhc::propagate_vjp(mhc::simd, network, p.data(), {x.data(), 5, 3}, memory, {g.data(), 5, 3}, {xg.data(), 5, 3},
                       pg.data(), backward_layer<double>());
  }
  for (std::size_t k = 0; k < p.size(); ++k)
    REQUIRE(std::abs(pg[k] - (1 + 2 * d.parameters[k])) <=
            100 * eps<double> * (1 + static_cast<double>(largest(d.parameters))));
}
