// SPDX-License-Identifier: MIT
// Weights that add up to 1, and the tables they are spread over.

#include "support/arrays.hpp"

#include <mhc/math/permutation.hpp>
#include <mhc/math/softmax.hpp>

#include <cmath>

using namespace mhc::test;
namespace math = mhc::math;

TEMPLATE_TEST_CASE("both shares keep their digits and add up to 1", "[math][softmax]", float, double) {
  using T = TestType;
  for (int k = -800; k <= 800; ++k) {
    T const z = T(k) / 8;
    auto const s = math::share(z);
    long double const p = 1 / (1 + std::exp(-static_cast<long double>(z))),
                      q = 1 / (1 + std::exp(static_cast<long double>(z)));
    T const least = std::numeric_limits<T>::min();
    if (p > least) REQUIRE(std::abs(s.p - p) <= 3 * eps<T> * p);
    if (q > least) REQUIRE(std::abs(s.q - q) <= 3 * eps<T> * q);
    REQUIRE(std::abs(static_cast<long double>(s.p) + s.q - 1) <= eps<T> / 4);
  }
  REQUIRE((math::share(infinity<T>).p == 1 && math::share(infinity<T>).q == 0));
  REQUIRE((math::share(-infinity<T>).p == 0 && math::share(-infinity<T>).q == 1));
  REQUIRE(std::isnan(math::share(not_a_number<T>).p));
}

TEST_CASE("σ the naive way loses what share keeps", "[math][softmax]") {
  REQUIRE(1 - 1 / (1 + std::exp(-20.f)) == 0);
  REQUIRE(math::share(20.f).q == approx(2.0611536e-9));
}

TEST_CASE("permutations stand in lexicographic order", "[math][permutation]") {
  constexpr auto order = math::permutations<4>();
  std::vector<int> expected{0, 1, 2, 3};
  for (auto const& row : order.at) {
    REQUIRE(std::vector<int>(std::begin(row), std::end(row)) == expected);
    std::next_permutation(expected.begin(), expected.end());
  }
  REQUIRE(std::is_sorted(expected.begin(), expected.end()));  // round again
  static_assert(math::permutations<1>().at[0][0] == 0 && math::factorial(5) == 120);
}
