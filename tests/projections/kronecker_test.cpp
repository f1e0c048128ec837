// SPDX-License-Identifier: MIT
// The Kronecker product of matrices of order 2.

#include "support/families.hpp"

#include <mhc/projections/kronecker.hpp>

using namespace mhc::test;
using mhc::kronecker;

using order_four = both_policies<double, 4>;
using lane_cases = joined<both_policies<float, 8>, both_policies<double, 4>>;

using cases = joined<both_policies<double, 1, 2, 4, 8>, both_policies<float, 1, 2, 4, 8, 16>>;

static_assert(mhc::logits_of<kronecker, 1> == 0 && mhc::logits_of<kronecker, 4> == 2 &&
              mhc::logits_of<kronecker, 16> == 4);
static_assert(mhc::projection_onto<kronecker, 8> && !mhc::projection_onto<kronecker, 3> &&
              !mhc::projection_onto<kronecker, 6>);

TEMPLATE_LIST_TEST_CASE("a Kronecker product is doubly stochastic", "[projections][kronecker][law]", cases) {
  require_doubly_stochastic<TestType>(kronecker{});
}

TEMPLATE_LIST_TEST_CASE("a Kronecker product is the product of its factors", "[projections][kronecker]", cases) {
  // a share within 3 eps, three or four of them in an entry; a derivative sums N² such products
  for (double const sigma : {1., 10.}) require_reference<TestType>(kronecker{}, reference::kronecker{}, sigma, 8, 64);
}

TEMPLATE_LIST_TEST_CASE("the first factor is the leftmost, and a large logit stays", "[projections][kronecker]",
                        order_four) {
  // swap ⊗ stay exchanges the halves
  std::vector<double> const expected{0, 0, 1, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 0, 0};
  REQUIRE(same_bits(plans<TestType>(kronecker{}, std::vector<double>{-800, 800}, 1), expected));
  REQUIRE(
      same_bits(plans<TestType>(kronecker{}, std::vector<double>{-infinity<double>, infinity<double>}, 1), expected));
}

TEMPLATE_LIST_TEST_CASE("Kronecker products commute and are symmetric", "[projections][kronecker][law]", cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  auto const p = plans<TestType>(kronecker{}, random_logits<TestType>(kronecker{}, 2, 2), 2);
  auto const entry = [&](std::size_t b, std::size_t i, std::size_t j) {
    return static_cast<long double>(p[(b * N + i) * N + j]);
  };
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < N; ++j) {
      REQUIRE(entry(0, i, j) == entry(0, j, i));
      long double one = 0, other = 0;
      for (std::size_t k = 0; k < N; ++k) {
        one += entry(0, i, k) * entry(1, k, j);
        other += entry(1, i, k) * entry(0, k, j);
      }
      REQUIRE(std::abs(one - other) <= 4 * eps<T>);
    }
}

TEMPLATE_LIST_TEST_CASE("kronecker lanes are independent and NaN stays", "[projections][kronecker]", lane_cases) {
  require_independent_lanes<TestType>(kronecker{});
  require_nan_stays<TestType>(kronecker{});
}
