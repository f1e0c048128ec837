// SPDX-License-Identifier: MIT
// The two families without a constraint to enforce: no logits at all, and P = Z.

#include "support/families.hpp"

#include <mhc/projections/identity.hpp>
#include <mhc/projections/unconstrained.hpp>

using namespace mhc::test;

TEMPLATE_LIST_TEST_CASE("identity is I, from no logits and null pointers", "[projections][identity]", all_cases) {
  using T = typename TestType::value;
  static_assert(mhc::logits_of<mhc::identity, TestType::n> == 0);
  REQUIRE(error(plans<TestType>(mhc::identity{}, {}, 5),
                expected_plans<TestType::n>(reference::identity{}, std::vector<T>{}, 5)) == 0);
  REQUIRE(vjps<TestType>(mhc::identity{}, {}, gaussian<T>(5 * TestType::n * TestType::n), 5).empty());
  auto const change = jvps<TestType>(mhc::identity{}, {}, {}, 5);
  REQUIRE(std::all_of(change.begin(), change.end(), [](T d) { return d == 0; }));
}

TEMPLATE_LIST_TEST_CASE("unconstrained is Z, bit for bit", "[projections][unconstrained]", all_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  auto const z = gaussian<T>(7 * N * N, 1e10), d = gaussian<T>(7 * N * N, 1, 2);
  REQUIRE(same_bits(plans<TestType>(mhc::unconstrained{}, z, 7), z));
  REQUIRE(same_bits(vjps<TestType>(mhc::unconstrained{}, z, d, 7), d));
  REQUIRE(same_bits(jvps<TestType>(mhc::unconstrained{}, z, d, 7), d));
}
