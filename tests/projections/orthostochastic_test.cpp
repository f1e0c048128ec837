// SPDX-License-Identifier: MIT
// Sums of squares over blocks of a rotation.

#include "support/families.hpp"

#include <mhc/projections/orthostochastic.hpp>

using namespace mhc::test;
using mhc::orthostochastic;

using order_three = both_policies<double, 3>;
using lane_cases = joined<both_policies<float, 3>, both_policies<double, 4>>;

static_assert(mhc::logits_of<orthostochastic<2>, 4> == 28 && mhc::logits_of<orthostochastic<1>, 4> == 6);
static_assert(mhc::projection_onto<orthostochastic<2>, 8> && !mhc::projection_onto<orthostochastic<2>, 9>);
static_assert(mhc::projection_onto<orthostochastic<1>, 16> && !mhc::projection_onto<orthostochastic<3>, 6>);

using order_one = both_policies<double, 1>;
using wide_cases = joined<both_policies<double, 2, 3, 4, 8>, both_policies<float, 2, 3, 4, 5, 6, 7, 8>>;

TEMPLATE_LIST_TEST_CASE("orthostochastic plans are doubly stochastic", "[projections][orthostochastic][law]",
                        all_cases) {
  require_doubly_stochastic<TestType>(orthostochastic<1>{});
}
TEMPLATE_LIST_TEST_CASE("block-orthostochastic plans are doubly stochastic", "[projections][orthostochastic][law]",
                        wide_cases) {
  require_doubly_stochastic<TestType>(orthostochastic<2>{});
}

// The conditions of `orthogonal`, of order NS; squares double them.
template <class Case, int S>
void require_definition() {
  constexpr int M = Case::n * S;
  for (double const sigma : {.3, 3.}) {
    auto const condition = static_cast<long double>(2 + 4 * sigma * std::sqrt(M));
    require_reference<Case>(orthostochastic<S>{}, reference::orthostochastic{S}, sigma, 2 * condition * M,
                            16 * condition * M, M > 8 ? 3 : 9);
  }
}
TEMPLATE_LIST_TEST_CASE("orthostochastic agrees with its definition", "[projections][orthostochastic]", all_cases) {
  require_definition<TestType, 1>();
}
TEMPLATE_LIST_TEST_CASE("block-orthostochastic agrees with its definition", "[projections][orthostochastic]",
                        wide_cases) {
  require_definition<TestType, 2>();
}

TEMPLATE_LIST_TEST_CASE("a block of one stream is 1 whatever its rotation", "[projections][orthostochastic]",
                        order_one) {
  auto const z = gaussian<double>(9, 3);
  REQUIRE(error(plans<TestType>(orthostochastic<2>{}, z, 9), std::vector<double>(9, 1)) <= eps<double>);
  // Σ Q∘δQ over all of Q cancels; its terms are of order 1
  REQUIRE(largest(vjps<TestType>(orthostochastic<2>{}, z, std::vector<double>(9, 1), 9)) <= 16 * eps<double>);
  REQUIRE(largest(jvps<TestType>(orthostochastic<2>{}, z, std::vector<double>(9, 1), 9)) <= 16 * eps<double>);
}

TEMPLATE_LIST_TEST_CASE("no logits are the identity, where every derivative is 0", "[projections][orthostochastic]",
                        order_three) {
  std::vector<double> const z(15, 0);
  REQUIRE(plans<TestType>(orthostochastic<2>{}, z, 1) == std::vector<double>{1, 0, 0, 0, 1, 0, 0, 0, 1});
  REQUIRE(largest(vjps<TestType>(orthostochastic<2>{}, z, gaussian<double>(9), 1)) == 0);
}

TEST_CASE("a matrix that S = 1 cannot reach is reached with S = 2", "[projections][orthostochastic]") {
  // (J − I)/2: two rows of Q would share one column, where both are ±√½, and so could not be orthogonal.
  using one = test_case<mhc::cpu::sequential_policy, double, 3>;
  std::vector<double> const target{0, .5, .5, .5, 0, .5, .5, .5, 0};
  auto const descend = [&](auto const& family, std::vector<double> z) {
    std::vector<double> p;
    for (int step = 0; step < 20000; ++step) {
      p = plans<one>(family, z, 1);
      auto g = p;
      for (std::size_t k = 0; k < 9; ++k) g[k] -= target[k];
      auto const d = vjps<one>(family, z, g, 1);
      for (std::size_t k = 0; k < z.size(); ++k) z[k] -= .3 * d[k];
    }
    return error(p, target);
  };
  REQUIRE(descend(orthostochastic<2>{}, gaussian<double>(15, 1, 3)) < 1e-2);
  for (unsigned seed = 1; seed <= 5; ++seed) REQUIRE(descend(orthostochastic<1>{}, gaussian<double>(3, 1, seed)) > .05);
}

TEMPLATE_LIST_TEST_CASE("orthostochastic lanes are independent and NaN stays", "[projections][orthostochastic]",
                        lane_cases) {
  require_independent_lanes<TestType>(orthostochastic<2>{});
  require_nan_stays<TestType>(orthostochastic<2>{});
}
