// SPDX-License-Identifier: MIT
// compose on device memory: the same numbers as mhc::seq, and the same bits directly, in a graph, and from two threads.

#include "cuda/support/network.hpp"

#include "support/arrays.hpp"

#include <algorithm>
#include <thread>

using namespace mhc::test;

namespace {

network_input random_network(bool recompute, unsigned seed, std::ptrdiff_t tokens = 21) {
  mhc::stack<network_kind> const network{{.channels = 36}, 5, recompute};
  std::ptrdiff_t const size = tokens * 4 * 36;
  auto parameters = gaussian<float>(parameter_count(network), .3, seed);
  return {network, tokens, parameters, gaussian<float>(size, 1, seed + 1), gaussian<float>(size, 1, seed + 2)};
}

network_output run_on_host(network_input const& in) {
  std::ptrdiff_t const channels = in.network.connection.channels;
  network_output out{std::vector<float>(in.x.size()), std::vector<float>(in.x.size()),
                     std::vector<float>(in.parameters.size(), 0)};
  std::vector<float> memory(static_cast<std::size_t>(workspace_size(in.network, in.tokens)));
  auto const copy = [](auto from, auto to) { std::copy_n(from.data, to.size * to.channels, to.data); };
  mhc::propagate(mhc::seq, in.network, in.parameters.data(), {in.x.data(), in.tokens, channels},
                 {out.x_out.data(), in.tokens, channels}, memory, [&](std::ptrdiff_t, auto u, auto y) { copy(u, y); });
  mhc::propagate_vjp(mhc::seq, in.network, in.parameters.data(), {in.x.data(), in.tokens, channels}, memory,
                     {in.x_out_gradient.data(), in.tokens, channels}, {out.x_gradient.data(), in.tokens, channels},
                     out.parameters_gradient.data(),
                     [&](std::ptrdiff_t l, auto u, auto, auto yg, auto ug) { copy(reads_u(l) ? u : yg, ug); });
  return out;
}

bool same(network_output const& a, network_output const& b) {
  return same_bits(a.x_out, b.x_out) && same_bits(a.x_gradient, b.x_gradient) &&
         same_bits(a.parameters_gradient, b.parameters_gradient);
}

}  // namespace

TEST_CASE("a stack of connections on the device", "[cuda][compose]") {
  for (bool const recompute : {false, true}) {
    auto const in = random_network(recompute, 3);
    auto const actual = run_network_on_device(in, false), expected = run_on_host(in);
    CHECK(relative_error(actual.x_out, widen(expected.x_out)) <= 2e-5);  // 5 layers of sums of 144
    CHECK(relative_error(actual.x_gradient, widen(expected.x_gradient)) <= 2e-5);
    CHECK(relative_error(actual.parameters_gradient, widen(expected.parameters_gradient)) <= 2e-5);
    CHECK(same(run_network_on_device(in, true), actual));
  }
}

TEST_CASE("what is rebuilt on the device has the bits of what was kept", "[cuda][compose][law]") {
  for (std::ptrdiff_t const tokens : {21, 1030})  // coefficients and u in one launch, or by a scan
    CHECK(same(run_network_on_device(random_network(true, 7, tokens), false),
               run_network_on_device(random_network(false, 7, tokens), false)));
}

TEST_CASE("recomputation on a stream of its own", "[cuda][compose]") {
  auto in = random_network(true, 4);
  for (std::ptrdiff_t const block : {1, 2, 5})
    for (bool const ahead : {false, true}) {
      in.network.block = block;
      in.network.ahead = ahead;
      auto const expected = run_network_on_device(in, false);
      for (auto const how : {recomputing::early, recomputing::late})
        for (bool const captured : {false, true}) CHECK(same(run_network_on_device(in, captured, how), expected));
    }
}

TEST_CASE("two host threads with a stream each", "[cuda][compose]") {
  auto const one = random_network(true, 5), two = random_network(false, 6);
  auto const a = run_network_on_device(one, false), b = run_network_on_device(two, false);
  network_output c, d;
  for (int round = 0; round < 3; ++round) {
    std::thread other([&] { c = run_network_on_device(one, false); });
    d = run_network_on_device(two, false);
    other.join();
    CHECK(same(a, c));
    CHECK(same(b, d));
  }
}
