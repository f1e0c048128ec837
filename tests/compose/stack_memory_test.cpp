// SPDX-License-Identifier: MIT
// How much a stack keeps, what it lets out, and what it refuses.

#include "support/kinds.hpp"
#include "support/refusals.hpp"

#include <mhc/compose/stack.hpp>

using namespace mhc::test;
using mhc::stack;

TEST_CASE("the optimal block is the one that brute force finds", "[compose][stack]") {
  for (std::ptrdiff_t layers = 1; layers <= 70; ++layers)
    for (std::ptrdiff_t n = 1; n <= 8; ++n) {
      for (std::ptrdiff_t const rooms : {1, 2}) {
        auto const cost = [&](std::ptrdiff_t block) {
          std::ptrdiff_t kept = 0;  // n C per border, (n + 2) C per layer of a block in a room
          for (std::ptrdiff_t l = 0; l < layers; l += block) kept += n;
          return kept + rooms * (n + 2) * block;
        };
        std::ptrdiff_t best = 1;
        for (std::ptrdiff_t block = 1; block <= layers; ++block)
          if (cost(block) < cost(best)) best = block;
        REQUIRE(mhc::optimal_block(layers, n, rooms) == best);
      }
    }
  // the paper's approximation √(nL/(n+2)), within a rounding of ⌈L/L_r⌉
  REQUIRE(std::abs(static_cast<double>(mhc::optimal_block(400, 4)) - std::sqrt(4 * 400 / 6.)) <= 2);
}

TEST_CASE("block_length and parameter_count of a stack", "[compose][stack]") {
  using kind = mhc::connection<float, 4, paper>;
  stack<kind> network{{.channels = 10}, 30};
  REQUIRE(mhc::block_length(network) == mhc::optimal_block(30, 4));
  REQUIRE(parameter_count(network) == 30 * (24 * 40 + 3 + 24));
  network.ahead = true;
  REQUIRE(mhc::block_length(network) == mhc::optimal_block(30, 4, 2));
  network.block = 7;
  REQUIRE(mhc::block_length(network) == 7);
  network.recompute = false;
  REQUIRE(mhc::block_length(network) == 1);
}

TEST_CASE("recomputing takes about the square root of the memory", "[compose][stack]") {
  using kind = mhc::connection<float, 4, paper>;
  std::ptrdiff_t const tokens = 64, channels = 256, layers = 64;
  stack<kind> const kept{{.channels = channels}, layers, false}, again{{.channels = channels}, layers};
  auto const elements = [&](stack<kind> const& s) {
    return static_cast<double>(workspace_size(s, tokens)) / (tokens * channels);
  };
  // y of every layer, and x and u: all layers of them, or borders and one block; and the coefficients and scores of all
  double const numbers = layers * (4 + 4 + 16 + 24 + 1) / static_cast<double>(channels);
  REQUIRE(elements(kept) >= layers * (1 + 1 + 4) - 4 + numbers);
  double const r = static_cast<double>(mhc::block_length(again));
  REQUIRE(elements(again) <= layers + 4 * (layers / r + r) + r + 4 + numbers);
  REQUIRE(workspace_size(again, 0) == 0);
  // the room for one block more: x inside it, and u, here without padding
  stack<kind> one{{.channels = channels}, layers, true, 8}, two = one;
  two.ahead = true;
  REQUIRE(workspace_size(two, tokens) - workspace_size(one, tokens) == tokens * (7 * 4 * channels + 8 * channels));
}

TEST_CASE("h_res_of is what the layers used", "[compose][stack]") {
  constexpr int N = 3;
  using one = kind_case<mhc::simd_t, double, N, mhc_entropic>;
  std::ptrdiff_t const tokens = 5, channels = 4, layers = 3;
  stack<one::type> const network{one::make(channels), layers, GENERATE(false, true)};
  std::vector<double> p;
  for (unsigned l = 0; l < layers; ++l)
    for (double const v : random_parameters(network.connection, l)) p.push_back(v);
  std::vector<double> memory(static_cast<std::size_t>(workspace_size(network, tokens)));
  auto x = gaussian<double>(tokens * N * channels), out = x;
  std::vector<std::vector<double>> at;
  auto const f = [&](std::ptrdiff_t, mhc::token_view<double const> u, mhc::token_view<double> y) {
    std::copy_n(u.data, u.size * u.channels, y.data);
  };
  mhc::propagate(mhc::simd, network, p.data(), {x.data(), tokens, channels}, {out.data(), tokens, channels}, memory, f);
  auto const each = static_cast<std::size_t>(parameter_count(network.connection));
  for (std::size_t l = 0; l < layers; ++l) {
    std::vector<double> const q(p.begin() + static_cast<std::ptrdiff_t>(l * each),
                                p.begin() + static_cast<std::ptrdiff_t>((l + 1) * each));
    auto const h = run_gates<one>(true, network.connection, q, x);
    auto const view = mhc::h_res_of(network, memory, tokens, static_cast<std::ptrdiff_t>(l));
    REQUIRE(same_bits(std::vector<double>(view.data, view.data + view.size * N * N), h.res));
    mhc::mix(mhc::simd, {h.res.data(), tokens}, {h.post.data(), tokens},
             mhc::stream_view<double, N>{x.data(), tokens, channels}, {h.u.data(), tokens, channels},
             {x.data(), tokens, channels});
  }
  require_refused([&] { mhc::h_res_of(network, memory, tokens, layers); },
                  {"option: mhc::h_res_of: layer is 3, expected 0 to 2"});
  require_refused([&] { mhc::h_res_of(network, memory, tokens, -1); }, {"option: mhc::h_res_of: layer is -1"});
}

using kind = mhc::connection<float, 2, paper>;

struct forward_call {
  stack<kind> network{{.channels = 5}, 2};
  float* parameters;
  mhc::stream_view<float, 2> x, x_out;
  float* workspace;
  std::size_t size;
  static constexpr char const* leader = "x";
  template <class F>
  void each(F f) {
    f("parameters", parameters, false), f("x", x, false), f("x_out", x_out, true), f("workspace", workspace, true);
  }
  void run() const {
    mhc::propagate(mhc::simd, network, parameters, x, x_out, {workspace, size},
                   [](auto, auto u, auto y) { std::copy_n(u.data, u.size * u.channels, y.data); });
  }
  bool may_share(std::string const&, std::string const&) const { return false; }
};

struct backward_call {
  stack<kind> network{{.channels = 5}, 2};
  float* parameters;
  mhc::stream_view<float, 2> x, x_out_gradient, x_gradient;
  float *workspace, *parameters_gradient;
  std::size_t size;
  static constexpr char const* leader = "x";
  template <class F>
  void each(F f) {
    f("parameters", parameters, false), f("x", x, false), f("x_out_gradient", x_out_gradient, false);
    f("x_gradient", x_gradient, true), f("workspace", workspace, true),
        f("parameters_gradient", parameters_gradient, true);
  }
  void run() const {
    mhc::propagate_vjp(mhc::simd, network, parameters, x, {workspace, size}, x_out_gradient, x_gradient,
                       parameters_gradient,
                       [](auto, auto, auto, auto g, auto ug) { std::copy_n(g.data, g.size * g.channels, ug.data); });
  }
  bool may_share(std::string const& a, std::string const& with) const {
    return a == "x_gradient" && with == "x_out_gradient";
  }
};

TEST_CASE("a stack refuses arguments that do not fit", "[compose][stack][error]") {
  arena<float> a;
  auto* const parameters = a.take(2 * 91);
  auto const size = static_cast<std::size_t>(workspace_size(stack<kind>{{.channels = 5}, 2}, 2));
  forward_call forward{.parameters = parameters,
                       .x = a.streams<2>(2, 5),
                       .x_out = a.streams<2>(2, 5),
                       .workspace = a.take(1000),
                       .size = size};
  backward_call backward{.parameters = parameters,
                         .x = a.streams<2>(2, 5),
                         .x_out_gradient = a.streams<2>(2, 5),
                         .x_gradient = a.streams<2>(2, 5),
                         .workspace = a.take(1000),
                         .parameters_gradient = a.take(2 * 91),
                         .size = size};
  auto const before = a.memory();
  auto const says = [&](auto&& change) {
    auto f = forward;
    auto b = backward;
    change(f), change(b);
    auto const one = refusal([&] { f.run(); }), two = refusal([&] { b.run(); });
    REQUIRE(one.find("mhc::propagate: ") != std::string::npos);
    REQUIRE(two.find("mhc::propagate_vjp: ") != std::string::npos);
    REQUIRE(same_bits(before, a.memory()));
    return one;
  };
  REQUIRE_THAT(says([](auto& c) { c.network.layers = 0; }), contains("stack.layers is 0"));
  REQUIRE_THAT(says([](auto& c) { c.network.block = 3; }), contains("stack.block is 3, expected 0"));
  REQUIRE_THAT(says([](auto& c) { c.network.block = -1; }), contains("stack.block is -1"));
  REQUIRE_THAT(says([](auto& c) { c.network.connection.channels = 4; }), contains("x has 5 channels, expected 4"));
  REQUIRE_THAT(says([](auto& c) { c.network.connection.projection.iterations = 0; }),
               contains("sinkhorn.iterations is 0"));
  REQUIRE_THAT(says([](auto& c) { c.parameters = nullptr; }), contains("parameters is null, expected 182 elements"));
  REQUIRE_THAT(says([](auto& c) { c.workspace = nullptr; }), contains("workspace is null"));
  REQUIRE_THAT(says([](auto& c) { c.x.size = 1; }), contains("tokens or matrices, expected 1"));
  REQUIRE_THAT(says([](auto& c) { c.x.size = -1; }), contains("x has"));
  REQUIRE_THAT(says([](auto& c) { c.workspace = c.x.data - 1; }), contains("workspace overlaps x"));
  require_refused(
      [&] {
        auto b = backward;
        b.parameters_gradient = nullptr;
        b.run();
      },
      {"parameters_gradient is null"});
  require_refused(
      [&] {
        auto b = backward;
        b.x_gradient.data = b.x.data;
        b.run();
      },
      {"x_gradient overlaps x,"});
  require_refused(
      [&] {
        auto b = backward;
        b.x_gradient.data = b.x_out_gradient.data + 1;
        b.run();
      },
      {"x_gradient overlaps x_out_gradient"});
  require_refused(
      [&] {
        auto f = forward;
        f.x_out.data = f.x.data;
        f.run();
      },
      {"x_out overlaps x,"});
  REQUIRE(same_bits(before, a.memory()));

  auto const needed = workspace_size(forward.network, 2);
  std::vector<float> memory(static_cast<std::size_t>(needed - 1));
  require_refused(
      [&] {
        mhc::propagate(mhc::simd, forward.network, forward.parameters, forward.x, forward.x_out, memory,
                       [](auto...) {});
      },
      {"mhc::propagate: workspace has " + std::to_string(needed - 1) + " elements, expected " +
       std::to_string(needed)});
  forward.run();
  backward.run();
}

TEST_CASE("workspace_size refuses options out of range", "[compose][stack][error]") {
  require_refused([] { mhc::workspace_size(stack<kind>{{.channels = 5}, 0}, 1); },
                  {"option: mhc::workspace_size: stack.layers is 0"});
  require_refused([] { mhc::workspace_size(stack<kind>{{.channels = 5}, 2, true, 3}, 1); },
                  {"option: mhc::workspace_size: stack.block is 3"});
}
