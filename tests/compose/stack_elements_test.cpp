// SPDX-License-Identifier: MIT
// A stack of streams of 16 bits is its operations, one after the other, on such streams.

#include "support/kinds.hpp"

#include <mhc/compose/stack.hpp>

using namespace mhc::test;
using mhc::bfloat16;
using mhc::half;
using mhc::stack;

/// F_l(u) = (l + 1)/4 u, and its derivative.
template <class S>
void scale(std::ptrdiff_t l, mhc::token_view<S const> u, mhc::token_view<S> y) {
  for (std::ptrdiff_t k = 0; k < u.size * u.channels; ++k) y.data[k] = S(.25F * static_cast<float>(l + 1) * u.data[k]);
}

template <class S>
struct outcome {
  std::vector<S> out, x;
  std::vector<float> parameters;
  bool operator==(outcome const& o) const {
    return same_bits(out, o.out) && same_bits(x, o.x) && same_bits(parameters, o.parameters);
  }
};

template <class Case, class S = typename Case::value>
outcome<S> run(stack<typename Case::type> const& network, std::vector<float> const& parameters, std::vector<S> const& x,
               std::vector<S> const& g) {
  std::ptrdiff_t const channels = network.connection.channels;
  auto const tokens = static_cast<std::ptrdiff_t>(x.size()) / (Case::n * channels);
  typename Case::policy const policy{};
  guarded<S> const xs(x), gs(g);
  guarded<float> const ps(parameters);
  guarded<float> memory(mhc::workspace_size<S>(network, tokens)), pg(parameter_count(network), 0);
  guarded<S> out(xs.size()), xg(xs.size());
  std::span<float> const workspace(memory.data(), static_cast<std::size_t>(memory.size()));
  mhc::stream_view<S const, Case::n> const xv{xs.data(), tokens, channels};
  mhc::propagate(policy, network, ps.data(), xv, {out.data(), tokens, channels}, workspace, scale<S>);
  mhc::propagate_vjp(policy, network, ps.data(), xv, workspace, {gs.data(), tokens, channels},
                     {xg.data(), tokens, channels}, pg.data(),
                     [](std::ptrdiff_t l, mhc::token_view<S const> u, mhc::token_view<S const> y,
                        mhc::token_view<S const> g_y, mhc::token_view<S> g_u) {
                       std::vector<S> again(static_cast<std::size_t>(u.size * u.channels));
                       scale<S>(l, u, {again.data(), u.size, u.channels});
                       REQUIRE(same_bits(again, std::vector<S>(y.data, y.data + u.size * u.channels)));
                       scale<S>(l, g_y, g_u);
                     });
  return {out.values(), xg.values(), pg.values()};
}

/// The same by hand, with everything kept.
template <class Case, class S = typename Case::value>
outcome<S> by_hand(stack<typename Case::type> const& network, std::vector<float> const& parameters, std::vector<S> x,
                   std::vector<S> g) {
  constexpr int N = Case::n;
  auto const& kind = network.connection;
  std::ptrdiff_t const channels = kind.channels, each = parameter_count(kind);
  auto const tokens = static_cast<std::ptrdiff_t>(x.size()) / (N * channels);
  typename Case::policy const policy{};
  auto const streams = [&](auto& a) { return mhc::stream_view<S, N>{a.data(), tokens, channels}; };
  auto const token = [&](auto& a) { return mhc::token_view<S>{a.data(), tokens, channels}; };
  std::vector<std::vector<S>> at, ys;
  std::vector<coefficient_values<S>> hs;
  for (std::ptrdiff_t l = 0; l < network.layers; ++l) {
    std::vector<float> const p(parameters.begin() + l * each, parameters.begin() + (l + 1) * each);
    at.push_back(x);
    hs.push_back(run_gates<Case>(true, kind, p, x));
    auto& h = hs.back();
    ys.emplace_back(h.u.size());
    scale<S>(l, token(h.u), token(ys.back()));
    mhc::mix(policy, {h.res.data(), tokens}, {h.post.data(), tokens}, streams(x), token(ys.back()), streams(x));
  }
  std::vector<float> pg(parameters.size(), 0);
  for (std::ptrdiff_t l = network.layers - 1; l >= 0; --l) {
    auto const k = static_cast<std::size_t>(l);
    auto& h = hs[k];
    std::vector<float> res(h.res.size()), post(h.post.size());
    std::vector<S> gy(h.u.size()), gu(h.u.size()), gx(x.size());
    mhc::mix_vjp(policy, {h.res.data(), tokens}, {h.post.data(), tokens}, streams(at[k]), token(ys[k]), streams(g),
                 {res.data(), tokens}, {post.data(), tokens}, streams(gx), token(gy));
    scale<S>(l, token(gy), token(gu));
    mhc::pre_vjp(policy, kind, parameters_at(kind, parameters.data() + l * each), streams(at[k]), token(gu),
                 {post.data(), tokens}, {res.data(), tokens}, streams(gx), parameters_at(kind, pg.data() + l * each),
                 mhc::update::accumulate);
    g = gx;
  }
  return {x, g, pg};
}

using stack_cases =
    joined<on_both<bfloat16, 4, mhc_sinkhorn>, on_both<half, 3, hc_dynamic>, on_both<bfloat16, 1, plain>>;

TEMPLATE_LIST_TEST_CASE("a stack of streams of 16 bits is its operations", "[compose][stack][elements]", stack_cases) {
  using S = typename TestType::value;
  for (std::ptrdiff_t const tokens : {0, 1, 5, 17})
    for (std::ptrdiff_t const channels : {3, 24})
      for (std::ptrdiff_t const layers : {1, 5}) {
        CAPTURE(tokens, channels, layers);
        stack<typename TestType::type> network{TestType::make(channels), layers, false};
        std::vector<float> p;
        for (std::ptrdiff_t l = 0; l < layers; ++l)
          for (float const v : random_parameters(network.connection, static_cast<unsigned>(100 + l))) p.push_back(v);
        auto const x = gaussian<S>(tokens * TestType::n * channels),
                   g = gaussian<S>(tokens * TestType::n * channels, 1, 2);
        auto const e = by_hand<TestType>(network, p, x, g);
        REQUIRE(run<TestType>(network, p, x, g) == e);
        network.recompute = true;
        for (bool const ahead : {false, true})
          for (network.block = 0; network.block <= layers; ++network.block) {
            network.ahead = ahead;
            REQUIRE(run<TestType>(network, p, x, g) == e);
          }
      }
}

TEST_CASE("streams of 16 bits take half the workspace", "[compose][stack][elements]") {
  stack<mhc::connection<float, 4, paper>> const network{{.channels = 1024}, 32};
  auto const in_float = static_cast<double>(workspace_size(network, 64));
  auto const in_half = static_cast<double>(mhc::workspace_size<half>(network, 64));
  REQUIRE(in_half / in_float > .5);  // the coefficients stay
  REQUIRE(in_half / in_float < .51);
}
