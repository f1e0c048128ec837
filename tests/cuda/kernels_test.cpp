// SPDX-License-Identifier: MIT
// Every kernel once on few tokens, for tools under which a kernel takes a thousand times its time: ./dev gpu runs these
// under compute-sanitizer.

#include "cuda/support/device.hpp"
#include "support/mix_pre.hpp"
#include "support/streams.hpp"

using namespace mhc::test;

namespace {

/// Memory that an operation must not read before it has written there is as it was allocated, for initcheck.
constexpr device_policy on_device{.misaligned = false, .poisoned = false};

}  // namespace

TEMPLATE_TEST_CASE("each kernel of streams", "[cuda][kernels]", float, mhc::bfloat16, mhc::half) {
  for (std::ptrdiff_t const channels : {7, 40}) {  // one by one, and in packs
    stream_problem<TestType, 4> const in(3, channels, 5);
    auto const actual = run_streams<TestType, 4>(on_device, in);
    for (auto const& [name, e] : run_streams<long double, 4>(mhc::seq, in)) {
      CAPTURE(channels, name);
      CHECK(error_beyond_rounding<TestType>(actual.at(name), e) <= 1e-5L * std::max(largest(e), 1.L));
    }
  }
}

TEMPLATE_TEST_CASE("each kernel of mix_pre, and so of gates", "[cuda][kernels]", float, mhc::bfloat16) {
  using kind = kind_case<device_policy, TestType, 4, mhc_sinkhorn>;
  for (std::ptrdiff_t const channels : {5, 136}) check_mix_pre<kind, TestType>(18, channels, on_device);
}

TEST_CASE("each kernel of gates with rows of their own, and of double", "[cuda][kernels]") {
  using kind = kind_case<device_policy, double, 3, hc_dynamic>;
  auto const connection = kind::make(34);
  auto const p = random_parameters(connection), x = gaussian<double>(18 * 3 * 34, 1, 21);
  auto const h = run_gates<kind>(true, connection, p, x, on_device);
  CHECK(error(h.u, expected_gates(true, connection, p, x).u) <= 1e-12L);
  auto const g = random_cotangents(true, connection, 18);
  auto const d = run_gates_vjp<kind>(true, connection, p, x, g, on_device);
  CHECK(relative_error(d.parameters, expected_gates_vjp(true, connection, p, x, g).parameters) <= 1e-12L);
}
