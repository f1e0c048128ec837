// SPDX-License-Identifier: MIT
// The mixture of cyclic shifts.

#include "support/families.hpp"
#include "support/refusals.hpp"

#include <mhc/projections/circulant.hpp>

using namespace mhc::test;
using mhc::circulant;

using order_three = both_policies<double, 3>;
using lane_cases = joined<both_policies<float, 3>, both_policies<double, 4>>;

TEMPLATE_LIST_TEST_CASE("a circulant mixture is doubly stochastic", "[projections][circulant][law]", all_cases) {
  for (double const gamma : {0., .25, 1.}) require_doubly_stochastic<TestType>(circulant{.gamma = gamma});
}

TEMPLATE_LIST_TEST_CASE("a circulant mixture agrees with its definition", "[projections][circulant]", all_cases) {
  for (double const gamma : {.25, 1.}) {  // exact in every element type
    auto const definition = reference::circulant{static_cast<long double>(gamma)};
    for (double const sigma : {1., 10.})
      require_reference<TestType>(circulant{.gamma = gamma}, definition, sigma, 8, 32 * TestType::n);
  }
}

TEMPLATE_LIST_TEST_CASE("a circulant plan has one number per diagonal, and plans commute",
                        "[projections][circulant][law]", all_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  auto const p = plans<TestType>(circulant{}, random_logits<TestType>(circulant{}, 2, 2), 2);
  auto const entry = [&](std::size_t b, std::size_t i, std::size_t j) {
    return static_cast<long double>(p[(b * N + i) * N + j]);
  };
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < N; ++j) {
      REQUIRE(entry(0, i, j) == entry(0, 0, (j + N - i) % N));
      long double one = 0, other = 0;
      for (std::size_t k = 0; k < N; ++k) {
        one += entry(0, i, k) * entry(1, k, j);
        other += entry(1, i, k) * entry(0, k, j);
      }
      REQUIRE(std::abs(one - other) <= 4 * eps<T>);
    }
}

TEMPLATE_LIST_TEST_CASE("γ = 0 is the identity, a large logit its shift", "[projections][circulant]", order_three) {
  REQUIRE(plans<TestType>(circulant{.gamma = 0}, std::vector<double>{1, 2, 3}, 1) ==
          std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0, 1});
  REQUIRE(plans<TestType>(circulant{}, std::vector<double>{0, 800, 0}, 1) ==
          std::vector<double>{0, 1, 0, 0, 0, 1, 1, 0, 0});
}

TEST_CASE("γ outside [0, 1] is refused", "[projections][circulant][errors]") {
  using one = test_case<mhc::cpu::sequential_policy, double, 3>;
  for (double const gamma : {-.1, 1.5, not_a_number<double>})
    require_refused([&] { plans<one>(circulant{.gamma = gamma}, std::vector<double>{1, 2, 3}, 1); },
                    {"option: mhc::project: circulant.gamma is", "expected 0 to 1"});
}

TEMPLATE_LIST_TEST_CASE("circulant lanes are independent and NaN stays", "[projections][circulant]", lane_cases) {
  require_independent_lanes<TestType>(circulant{.gamma = .5});
  require_nan_stays<TestType>(circulant{.gamma = 0});
}
