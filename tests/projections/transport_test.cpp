// SPDX-License-Identifier: MIT
// The transportation polytope with unit marginals.

#include "support/families.hpp"

#include <mhc/projections/transport.hpp>

using namespace mhc::test;
using mhc::transport;

using order_three_cases = joined<both_policies<double, 3>, both_policies<float, 3>>;
using order_three = both_policies<double, 3>;
using lane_cases = joined<both_policies<float, 3>, both_policies<double, 4>>;

static_assert(mhc::logits_of<transport, 1> == 0 && mhc::logits_of<transport, 4> == 9);

TEMPLATE_LIST_TEST_CASE("transport sums to 1 without any error", "[projections][transport][law]", all_cases) {
  for (double const sigma : {.01, 1., 3., 30., 1e6}) {
    auto const plan = plans<TestType>(transport{}, random_logits<TestType>(transport{}, 400, sigma), 400);
    REQUIRE(worst_sum<TestType::n>(plan) == 0);
    REQUIRE(nonnegative(plan));
  }
}

TEMPLATE_LIST_TEST_CASE("transport agrees with its definition", "[projections][transport]", all_cases) {
  // every entry is rounded to eps and moves the bounds of those after it; derivatives are chained as far
  constexpr int N = TestType::n;
  for (double const sigma : {1., 4.})
    require_reference<TestType>(transport{}, reference::transport{}, sigma, 4 * N, 64 * N);
}

TEMPLATE_LIST_TEST_CASE("infinite logits give vertices, and every vertex", "[projections][transport]",
                        order_three_cases) {
  using T = typename TestType::value;
  std::vector<std::vector<T>> found;
  for (unsigned signs = 0; signs < 16; ++signs) {
    std::vector<T> z(4);
    for (std::size_t k = 0; k < 4; ++k) z[k] = (signs >> k & 1) != 0 ? infinity<T> : -infinity<T>;
    auto const p = plans<TestType>(transport{}, z, 1);
    REQUIRE(worst_sum<3>(p) == 0);
    REQUIRE(std::all_of(p.begin(), p.end(), [](T x) { return x == 0 || x == 1; }));
    for (auto& t : z) t = std::copysign(T(100), t);
    REQUIRE(same_bits(plans<TestType>(transport{}, z, 1), p));
    if (std::find(found.begin(), found.end(), p) == found.end()) found.push_back(p);
  }
  REQUIRE(found.size() == 6);
}

TEMPLATE_LIST_TEST_CASE("every matrix inside the polytope has its logits", "[projections][transport]", order_three) {
  // x = L + (U − L) σ(t) solved for t, entry by entry
  std::vector<double> const p{.1, .2, .7, .2, .7, .1, .7, .1, .2};
  std::vector<double> z;
  std::vector<double> column{1, 1, 1};
  for (std::size_t i = 0; i < 2; ++i) {
    double row = 1;
    for (std::size_t j = 0; j < 2; ++j) {
      double const right = j == 0 ? column[1] + column[2] : column[2];
      double const low = std::max(0., row - right), share = (p[i * 3 + j] - low) / (std::min(row, column[j]) - low);
      z.push_back(std::log(share / (1 - share)));
      row -= p[i * 3 + j];
      column[j] -= p[i * 3 + j];
    }
    column[2] -= row;
  }
  REQUIRE(error(plans<TestType>(transport{}, z, 1), p) <= 8 * eps<double>);
}

TEMPLATE_LIST_TEST_CASE("transport lanes are independent and NaN stays", "[projections][transport]", lane_cases) {
  require_independent_lanes<TestType>(transport{});
  require_nan_stays<TestType>(transport{});
}
