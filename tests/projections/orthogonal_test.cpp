// SPDX-License-Identifier: MIT
// The Cayley rotations.

#include "support/families.hpp"

#include <mhc/projections/orthogonal.hpp>

using namespace mhc::test;
using mhc::orthogonal;

using orders_two_and_three = both_policies<double, 2, 3>;
using order_two = both_policies<double, 2>;
using lane_cases = joined<both_policies<float, 3>, both_policies<double, 4>>;

static_assert(mhc::logits_of<orthogonal, 1> == 0 && mhc::logits_of<orthogonal, 4> == 6);

TEMPLATE_LIST_TEST_CASE("PᵀP = PPᵀ = I for logits of any size", "[projections][orthogonal][law]", all_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (double const sigma : {.01, 1., 10., 1e4, 1e12, 1e30}) {
    CAPTURE(sigma, N);
    auto const q = plans<TestType>(orthogonal{}, random_logits<TestType>(orthogonal{}, 100, sigma), 100);
    long double worst = 0;
    for (std::size_t p = 0; p < q.size(); p += N * N)
      for (std::size_t i = 0; i < N; ++i)
        for (std::size_t j = 0; j < N; ++j) {
          long double rows = i == j ? -1 : 0, columns = rows;
          for (std::size_t k = 0; k < N; ++k) {
            rows += static_cast<long double>(q[p + i * N + k]) * q[p + j * N + k];
            columns += static_cast<long double>(q[p + k * N + i]) * q[p + k * N + j];
          }
          worst = std::max({worst, std::abs(rows), std::abs(columns)});
        }
    REQUIRE(worst <= sum_tolerance<T>);
  }
}

TEMPLATE_LIST_TEST_CASE("orthogonal agrees with (I − A)(I + A)⁻¹ and its derivative", "[projections][orthogonal]",
                        all_cases) {
  // Rounding A by eps moves P by 2 ‖A‖ eps, ‖A‖ about 2σ√N; the derivative by twice as much again, N products each
  constexpr int N = TestType::n;
  for (double const sigma : {.3, 3.}) {
    auto const condition = static_cast<long double>(2 + 4 * sigma * std::sqrt(N));
    require_reference<TestType>(orthogonal{}, reference::orthogonal{}, sigma, condition * N, 8 * condition * N);
  }
}

TEMPLATE_LIST_TEST_CASE("det P = 1, and no logits are no rotation", "[projections][orthogonal][law]",
                        orders_two_and_three) {
  constexpr std::size_t N = TestType::n;
  auto const q = plans<TestType>(orthogonal{}, random_logits<TestType>(orthogonal{}, 50, 3), 50);
  for (std::size_t b = 0; b < q.size(); b += N * N) {
    auto const at = [&](std::size_t i, std::size_t j) { return q[b + i % N * N + j % N]; };
    double det = 0;
    if (N == 2) det = at(0, 0) * at(1, 1) - at(0, 1) * at(1, 0);
    for (std::size_t k = 0; N == 3 && k < N; ++k)
      det += at(0, k) * (at(1, k + 1) * at(2, k + 2) - at(1, k + 2) * at(2, k + 1));
    REQUIRE(std::abs(det - 1) <= 16 * eps<double>);
  }
  auto const none = plans<TestType>(orthogonal{}, std::vector<double>(N * (N - 1) / 2, 0), 1);
  REQUIRE(error(none, expected_plans<TestType::n>(reference::identity{}, none, 1)) == 0);
}

TEMPLATE_LIST_TEST_CASE("order two turns by twice the arctangent", "[projections][orthogonal]", order_two) {
  for (double const z : {.5, -3., 1e8}) {
    double const angle = 2 * std::atan(z);
    auto const q = plans<TestType>(orthogonal{}, std::vector<double>{z}, 1);
    REQUIRE(error(q, std::vector<double>{std::cos(angle), -std::sin(angle), std::sin(angle), std::cos(angle)}) <=
            4 * eps<double>);
  }
}

TEMPLATE_LIST_TEST_CASE("orthogonal lanes are independent and NaN stays", "[projections][orthogonal]", lane_cases) {
  require_independent_lanes<TestType>(orthogonal{});
  require_nan_stays<TestType>(orthogonal{});
}
