// SPDX-License-Identifier: MIT

#include "support/kinds.hpp"

using namespace mhc::test;

TEMPLATE_LIST_TEST_CASE("coefficients agree with their definition", "[ops][coefficients]", kind_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : {1, 7, 16, 37})
    for (std::ptrdiff_t const batch : {0, 1, 15, 17, 35}) {  // around the 16 tokens of a step
      CAPTURE(channels, batch);
      auto const kind = TestType::make(channels);
      auto const p = random_parameters(kind);
      auto const x = gaussian<T>(batch * N * channels, 1, 3);
      auto const h = run_gates<TestType>(false, kind, p, x);
      auto const e = expected_gates(false, kind, p, x);
      T const bound = chain<T>(N, channels);
      REQUIRE(error(h.pre, e.pre) <= bound);
      REQUIRE(error(h.post, e.post) <= bound);
      REQUIRE(error(h.res, e.res) <= bound);
    }
}

TEMPLATE_LIST_TEST_CASE("coefficients of long rows", "[ops][coefficients]", kind_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : {129, 1025, 4099}) {  // sums are put aside every 768 bytes
    CAPTURE(channels);
    auto const kind = TestType::make(channels);
    auto p = random_parameters(kind);
    for (std::ptrdiff_t k = 0; k < phi_size(kind); ++k) p[static_cast<std::size_t>(k)] /= std::sqrt(T(channels));
    auto const x = gaussian<T>(3 * N * channels, 10, 3);
    auto const h = run_gates<TestType>(false, kind, p, x);
    auto const e = expected_gates(false, kind, p, x);
    T const bound = T(128 + 16 * N) * eps<T>;  // blocks, not terms, add up; random signs make it a root
    REQUIRE(error(h.pre, e.pre) <= bound);
    REQUIRE(error(h.post, e.post) <= bound);
    REQUIRE(error(h.res, e.res) <= bound);
  }
}

TEMPLATE_LIST_TEST_CASE("a token of zeros has the coefficients of the bias", "[ops][coefficients]", kind_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  auto const kind = TestType::make(5);
  auto p = random_parameters(kind);
  auto const zero = std::vector<T>(N * 5, T(0)), one = std::vector<T>(N * 5, T(1));
  auto const h = run_gates<TestType>(false, kind, p, zero);
  std::fill_n(p.begin(), phi_size(kind), T(0));
  auto const e = run_gates<TestType>(false, kind, p, one);
  REQUIRE(h.pre == e.pre);
  REQUIRE(h.post == e.post);
  REQUIRE(h.res == e.res);
}

TEMPLATE_LIST_TEST_CASE("coefficients do not depend on the size of a token", "[ops][coefficients][law]", kind_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  auto kind = TestType::make(9);
  if constexpr (!std::is_same_v<typename TestType::kind, plain>) kind.norm_epsilon = 0;
  auto const p = random_parameters(kind);
  auto const x = gaussian<T>(18 * N * 9);
  auto scaled = x;
  for (auto& v : scaled) v *= T(4096);  // a power of 4: no rounding, and its root is a power of 2
  auto const a = run_gates<TestType>(false, kind, p, x), b = run_gates<TestType>(false, kind, p, scaled);
  REQUIRE(same_bits(a.pre, b.pre));
  REQUIRE(same_bits(a.post, b.post));
  REQUIRE(same_bits(a.res, b.res));
}
