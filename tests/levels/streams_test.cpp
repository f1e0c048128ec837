// SPDX-License-Identifier: MIT
// Every operation on streams, at every level that the processor has.

#include "support/streams.hpp"

#include "support/levels.hpp"

#include <bit>
#include <cstdint>

using namespace mhc::test;
using mhc::bfloat16;
using mhc::half;

#if defined(MHC_LEVELS)

using stream_cases =
    joined<on_levels<float, 1, 3, 4, 8>, on_levels<double, 2, 4>, on_levels<bfloat16, 4>, on_levels<half, 3>>;

TEMPLATE_LIST_TEST_CASE("streams at a level: the numbers of long double, whatever the threads", "[levels][ops]",
                        stream_cases) {
  using S = typename TestType::value;
  using T = mhc::coefficient_t<S>;
  constexpr int N = TestType::n;
  MHC_SKIP_WITHOUT(typename TestType::policy);
  typename TestType::policy const policy;
  for (std::ptrdiff_t const channels : {1, 3, 7, 8, 9, 15, 16, 17, 33, 129})
    for (std::ptrdiff_t const batch : {0, 1, 5}) {
      stream_problem<S, N> const in(batch, channels, static_cast<unsigned>(batch + 5 * channels));
      auto const exact = run_streams<long double, N>(mhc::seq, in), actual = run_streams<S, N>(policy, in);
      REQUIRE(actual.size() == exact.size());
      for (auto const& [name, a] : actual) {
        CAPTURE(N, channels, batch, name);
        auto const& e = exact.at(name);
        bool const of_coefficients = name.find(" h_") != std::string::npos;
        // the terms of a sum are of order 1, and so many
        auto const bound = static_cast<T>(N + channels) * eps<T> * std::max(1.L, largest(e));
        REQUIRE((of_coefficients ? error(a, e) : error_beyond_rounding<S>(a, e)) <= bound);
      }
      REQUIRE(run_streams<S, N>(policy.with_threads(3), in) == actual);
    }
}

using short_cases = joined<on_levels<bfloat16, 1>, on_levels<half, 1>>;

/// A contraction of one stream is a load and a store; products with a coefficient meet ties, subnormal numbers and overflow.
TEMPLATE_LIST_TEST_CASE("a level loads, rounds and stores every number of 16 bits as elements do", "[levels][elements]",
                        short_cases) {
  using S = typename TestType::value;
  MHC_SKIP_WITHOUT(typename TestType::policy);
  typename TestType::policy const policy;
  std::ptrdiff_t const channels = 0x10000;
  guarded<S> x(channels), u(channels);
  for (std::ptrdiff_t k = 0; k < channels; ++k) x[k] = std::bit_cast<S>(static_cast<std::uint16_t>(k));
  mhc::stream_view<S const, 1> const xv{x.data(), 1, channels};
  auto const require_same = [&](auto const& expected) {
    for (std::ptrdiff_t k = 0; k < channels; ++k) {
      S const e = expected(k);
      if (std::isnan(float(e)) ? !std::isnan(float(u[k])) : u[k].bits != e.bits) FAIL("bits " << k);
    }
  };
  mhc::contract(policy, mhc::contraction::sum, xv, {u.data(), 1, channels});
  require_same([&](std::ptrdiff_t k) { return x[k]; });
  float const longest_nan = std::bit_cast<float>(0x7fffffffU);  // a carry would make a zero of it
  for (float const h : {1 + 0x1p-8F, -1 - 0x1p-7F, 1.F / 3, 0x1p-3F, 0x1.8p-12F, -3.F, 0x1p120F, longest_nan}) {
    CAPTURE(h);
    mhc::aggregate(policy, {&h, 1}, xv, {u.data(), 1, channels});
    require_same([&](std::ptrdiff_t k) { return S(h * float(x[k])); });
  }
}

#else

TEST_CASE("levels are for x86-64", "[levels]") { MHC_SKIP("another processor"); }

#endif
