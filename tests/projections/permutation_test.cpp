// SPDX-License-Identifier: MIT
// The mixture of all permutation matrices.

#include "support/families.hpp"

#include <mhc/projections/permutation.hpp>

#include <numeric>

using namespace mhc::test;
using mhc::permutation;

using orders_four_and_five = both_policies<double, 4, 5>;
using lane_cases = joined<both_policies<float, 3>, both_policies<double, 4>>;

using cases = joined<both_policies<double, 1, 2, 3, 4, 5>, both_policies<float, 1, 2, 3, 4, 5>>;

static_assert(mhc::logits_of<permutation, 4> == 24 && mhc::logits_of<permutation, 5> == 120);
static_assert(mhc::projection_onto<permutation, 5> && !mhc::projection_onto<permutation, 6>);

TEMPLATE_LIST_TEST_CASE("a mixture of permutations is doubly stochastic", "[projections][permutation][law]", cases) {
  require_doubly_stochastic<TestType>(permutation{});
}

TEMPLATE_LIST_TEST_CASE("a mixture of permutations agrees with its definition", "[projections][permutation]", cases) {
  // weights within a few eps, (N−1)! of them in an entry; a derivative is a weight times a difference of sums of N terms
  for (double const sigma : {1., 10.})
    require_reference<TestType>(permutation{}, reference::permutation{}, sigma, 8, 32 * TestType::n,
                                TestType::n < 5 ? 9 : 2);
}

TEMPLATE_LIST_TEST_CASE("each logit is that of its permutation, in lexicographic order", "[projections][permutation]",
                        orders_four_and_five) {
  constexpr int N = TestType::n, K = mhc::logits_of<permutation, N>;
  std::vector<int> order(N);
  std::iota(order.begin(), order.end(), 0);
  for (std::size_t r = 0; r < K; ++r) {
    std::vector<double> z(K, 0), expected(N * N, 0);
    z[r] = 800;  // exp(−800) is 0
    for (std::size_t i = 0; i < N; ++i) expected[i * N + static_cast<std::size_t>(order[i])] = 1;
    REQUIRE(same_bits(plans<TestType>(permutation{}, z, 1), expected));
    std::next_permutation(order.begin(), order.end());
  }
}

TEST_CASE("near a permutation the derivative keeps its digits", "[projections][permutation][gradient]") {
  // the weight of the identity is 1 − 23 exp(−30): 1 − w and every derivative are about 1e-12
  using one = test_case<mhc::cpu::sequential_policy, double, 4>;
  std::vector<double> z(24, -30);
  z[0] = 0;
  auto const g = gaussian<double>(16, 1, 4);
  auto expected = expected_vjps<4>(reference::permutation{}, z, g, 1);
  expected[0] =
      -std::accumulate(expected.begin() + 1, expected.end(), 0.L);  // there the complex step itself loses them
  REQUIRE(largest(expected) < 1e-11L);
  REQUIRE(relative_error(vjps<one>(permutation{}, z, g, 1), expected) <= 100 * eps<double>);
}

TEMPLATE_LIST_TEST_CASE("permutation lanes are independent and NaN stays", "[projections][permutation]", lane_cases) {
  require_independent_lanes<TestType>(permutation{});
  require_nan_stays<TestType>(permutation{});
}
