// SPDX-License-Identifier: MIT
// What gradient::unrolled, implicit and automatic are derivatives of.

#include "support/conventions.hpp"

using namespace mhc::test;
using mhc::gradient;

using limit_cases = joined<std::tuple<convention_case<paper_convention, mhc::simd_t, double, 4>,
                                      convention_case<log_convention, mhc::simd_t, double, 3>>>;

TEMPLATE_LIST_TEST_CASE("implicit is the derivative of the limit; automatic is it where the plan is at the limit",
                        "[projections][sinkhorn][convention][gradient]", limit_cases) {
  constexpr int N = TestType::n;
  using convention = typename TestType::convention;
  auto const close = random_logits<TestType>(convention::projection(1), 9, .5),
             far = random_logits<TestType>(convention::projection(1), 9, 8);
  auto const g = gaussian<double>(9 * N * N, 1, 2);
  auto const vjp = [&](int t, gradient kind, std::vector<double> const& z) {
    return vjps<TestType>(convention::projection(t, kind), z, g, 9);
  };
  auto const jvp = [&](int t, gradient kind, std::vector<double> const& z) {
    return jvps<TestType>(convention::projection(t, kind), z, g, 9);
  };
  // converged: one derivative under three names
  REQUIRE(relative_error(vjp(200, gradient::implicit, close), vjp(200, gradient::unrolled, close)) <= 1e-12L);
  REQUIRE(relative_error(jvp(200, gradient::implicit, close), jvp(200, gradient::unrolled, close)) <= 1e-12L);
  REQUIRE(same_bits(vjp(200, gradient::automatic, close), vjp(200, gradient::implicit, close)));
  REQUIRE(same_bits(jvp(200, gradient::automatic, close), jvp(200, gradient::implicit, close)));
  // not converged: the derivative of what was computed, which implicit is not
  REQUIRE(relative_error(vjp(3, gradient::implicit, far), vjp(3, gradient::unrolled, far)) > 1e-3L);
  REQUIRE(same_bits(vjp(3, gradient::automatic, far), vjp(3, gradient::unrolled, far)));
  REQUIRE(same_bits(jvp(3, gradient::automatic, far), jvp(3, gradient::unrolled, far)));
}

using vector_cases = joined<each_convention<mhc::simd_t, double, 3>, each_convention<mhc::simd_t, float, 4>>;

TEMPLATE_LIST_TEST_CASE("implicit in vectors is implicit one by one", "[projections][sinkhorn][convention][gradient]",
                        vector_cases) {
  using T = typename TestType::value;
  using convention = typename TestType::convention;
  constexpr int N = TestType::n;
  using one_by_one = convention_case<convention, mhc::cpu::sequential_policy, T, N>;
  auto const map = convention::projection(20, gradient::implicit);
  auto const z = random_logits<TestType>(map, 19, 1);
  auto const g = gaussian<T>(19 * N * N, 1, 2);
  REQUIRE(relative_error(vjps<TestType>(map, z, g, 19), vjps<one_by_one>(map, z, g, 19)) <= 64 * eps<T>);
}

TEST_CASE("automatic decides for each matrix of a register", "[projections][sinkhorn][gradient]") {
  using one = test_case<mhc::simd_t, double, 4>;
  auto z = gaussian<double>(17 * 16);
  for (std::size_t k = 0; k < z.size(); ++k) z[k] *= k / 16 % 2 ? 8 : .3;
  auto const g = gaussian<double>(17 * 16, 1, 2);
  auto const with = [&](gradient kind) { return vjps<one>(paper_convention::projection(20, kind), z, g, 17); };
  auto const automatic = with(gradient::automatic), unrolled = with(gradient::unrolled),
             implicit = with(gradient::implicit);
  for (std::size_t k = 0; k < z.size(); ++k) REQUIRE(automatic[k] == (k / 16 % 2 ? unrolled[k] : implicit[k]));
}

TEST_CASE("implicit uses the marginals that the plan has", "[projections][sinkhorn][gradient]") {
  // The plan of one iteration, taken as a scaling with the marginals it has: its rows sum to 1, its columns do not
  using one = test_case<mhc::cpu::sequential_policy, double, 3>;
  auto const map = paper_convention::projection(1, gradient::implicit);
  auto const z = gaussian<double>(9, 3), g = gaussian<double>(9, 1, 2);
  auto const p = widen(plans<one>(map, z, 1));
  auto const expected = reference::implicit_derivative(p, widen(g), 3);
  REQUIRE(relative_error(vjps<one>(map, z, g, 1), expected) <= 1e-12L);
}
