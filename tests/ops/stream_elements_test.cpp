// SPDX-License-Identifier: MIT
// Streams of 16 bits: every operation on them is the one on the same numbers in float, its results rounded once.

#include "support/arrays.hpp"
#include "support/cases.hpp"
#include "support/refusals.hpp"
#include "support/streams.hpp"

#include <bit>
#include <cstdint>

using namespace mhc::test;
using mhc::bfloat16;
using mhc::half;

using short_cases = joined<both_policies<bfloat16, 1, 2, 3, 4, 5, 8>, both_policies<half, 1, 4, 7>>;

bool of_coefficients(std::string const& name) { return name.find(" h_") != std::string::npos; }

TEMPLATE_LIST_TEST_CASE("streams of 16 bits: as in float, rounded once", "[ops][elements]", short_cases) {
  using S = typename TestType::value;
  constexpr int N = TestType::n;
  typename TestType::policy const policy{};
  for (std::ptrdiff_t const channels : {1, 3, 7, 8, 9, 15, 16, 17, 33, 129, 300})
    for (std::ptrdiff_t const batch : {0, 1, 3}) {
      stream_problem<S, N> const in(batch, channels, static_cast<unsigned>(batch + 5 * channels));
      auto const actual = run_streams<S, N>(policy, in), exact = run_streams<long double, N>(mhc::seq, in);
      REQUIRE(actual.size() == 22);
      for (auto const& [name, in_float] : run_streams<float, N>(policy, in)) {
        CAPTURE(N, channels, batch, name);
        auto const& a = actual.at(name);
        if (!of_coefficients(name)) REQUIRE(error(a, widen(stored<S>(in_float))) == 0);
        // the terms of a sum are of order 1, and so many, and added in an order that depends on the element
        auto const bound = static_cast<float>(N + channels) * eps<float> * std::max(1.L, largest(exact.at(name)));
        REQUIRE((of_coefficients(name) ? error(a, exact.at(name)) : error_beyond_rounding<S>(a, exact.at(name))) <=
                bound);
      }
    }
}

using short_simd_cases = std::tuple<test_case<mhc::simd_t, bfloat16, 4>, test_case<mhc::simd_t, half, 3>>;

TEMPLATE_LIST_TEST_CASE("streams of 16 bits: threads do not show in a bit", "[ops][elements][law]", short_simd_cases) {
  using S = typename TestType::value;
  stream_problem<S, TestType::n> const in(70, 21, 3);
  auto const one = run_streams<S, TestType::n>(mhc::simd, in);
  for (int const threads : {2, 3, 0}) REQUIRE(run_streams<S, TestType::n>(mhc::simd.with_threads(threads), in) == one);
}

/// A contraction of one stream is a load and a store.
TEMPLATE_LIST_TEST_CASE("lanes load and store every number of 16 bits", "[ops][elements]", short_simd_cases) {
  using S = typename TestType::value;
  std::vector<S> all;
  for (int bits = 0; bits < 0x10000; ++bits) all.push_back(std::bit_cast<S>(static_cast<std::uint16_t>(bits)));
  for (std::ptrdiff_t const channels : {1, 0x10000}) {  // element by element, and in registers
    guarded<S> const x(all);
    guarded<S> u(0x10000);
    std::ptrdiff_t const batch = 0x10000 / channels;
    mhc::contract(mhc::simd, mhc::contraction::sum, mhc::stream_view<S const, 1>{x.data(), batch, channels},
                  {u.data(), batch, channels});
    for (std::ptrdiff_t k = 0; k < 0x10000; ++k)
      if (std::isnan(float(x[k])) ? !std::isnan(float(u[k])) : u[k].bits != x[k].bits) FAIL("bits " << k);
  }
}

/// Products of one stream with a coefficient meet ties, subnormal numbers and overflow.
TEMPLATE_LIST_TEST_CASE("lanes round as elements do", "[ops][elements]", short_simd_cases) {
  using S = typename TestType::value;
  std::ptrdiff_t const channels = 0x8000;
  guarded<S> x(channels), u(channels), e(channels);
  for (std::ptrdiff_t k = 0; k < channels; ++k) x[k] = std::bit_cast<S>(static_cast<std::uint16_t>(k));
  float const longest_nan = std::bit_cast<float>(0x7fffffffU);  // a carry would make a zero of it
  for (float const h : {1 + 0x1p-8F, -1 - 0x1p-7F, 1.F / 3, 0x1p-3F, 0x1.8p-12F, -3.F, 0x1p120F, longest_nan}) {
    CAPTURE(h);
    mhc::stream_view<S const, 1> const xv{x.data(), 1, channels};
    mhc::aggregate(mhc::simd, {&h, 1}, xv, {u.data(), 1, channels});
    for (std::ptrdiff_t k = 0; k < channels; ++k) {
      e[k] = S(h * float(x[k]));
      if (std::isnan(float(e[k])) ? !std::isnan(float(u[k])) : u[k].bits != e[k].bits) FAIL("bits " << k);
    }
  }
}

TEMPLATE_TEST_CASE("streams of 16 bits that do not fit are refused", "[ops][elements][error]", bfloat16, half) {
  guarded<TestType> x(4 * 2 * 5), u(4 * 5);
  guarded<float> h(4 * 2);
  mhc::stream_view<TestType, 2> const xv{x.data(), 4, 5};
  auto const odd = reinterpret_cast<TestType*>(reinterpret_cast<char*>(u.data()) + 1);
  require_refused([&] { mhc::aggregate(mhc::seq, {h.data(), 4}, xv, {odd, 4, 5}); },
                  {"mhc::aggregate: u is misaligned, expected a multiple of 2 bytes"});
  require_refused([&] { mhc::aggregate(mhc::seq, {h.data(), 4}, xv, {x.data() + 39, 4, 5}); },
                  {"mhc::aggregate: u overlaps x"});
  REQUIRE(all_nan(x));
  REQUIRE(all_nan(u));
}
