// SPDX-License-Identifier: MIT
// Every convention against its published definition: values, and logits of any size.

#include "support/conventions.hpp"

using namespace mhc::test;

using value_cases = joined<each_convention<mhc::cpu::sequential_policy, double, 2, 3, 4, 5, 6, 7, 8>,
                           each_convention<mhc::simd_t, double, 4>, each_convention<mhc::simd_t, float, 3, 4, 8>>;

namespace {

/// N-term sums and a division per pass, contracted by the iteration; and the rounding of a logit or potential as large as
/// the spread of N(0, σ²), which exp turns into a relative error: within ±5σ here.
template <class T>
long double tolerance(int n, double sigma) {
  return (8 * n + 40 * sigma) * static_cast<long double>(eps<T>);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a convention agrees with its definition", "[projections][sinkhorn][convention]", value_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  using convention = typename TestType::convention;
  for (int const t : {1, 2, 3, 20, 50})
    for (double const sigma : {.3, 1., 3., 10.}) {
      CAPTURE(t, sigma, N);
      auto const map = convention::projection(t);
      auto const logits = random_logits<TestType>(map, 17, sigma, static_cast<unsigned>(t));
      auto const expected = expected_plans<N>(convention::definition(t), logits, 17);
      REQUIRE(error(plans<TestType>(map, logits, 17), expected) <= tolerance<T>(N, sigma));
    }
}

using wide_cases = joined<each_convention<mhc::simd_t, float, 2, 4, 8>, each_convention<mhc::simd_t, double, 4>>;

TEMPLATE_LIST_TEST_CASE("logits of any size: no NaN, and float within 1e-4", "[projections][sinkhorn][convention]",
                        wide_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  using convention = typename TestType::convention;
  for (double const sigma : {30., 100., 1e3, 1e6})
    for (int const t : {1, 20}) {
      CAPTURE(t, sigma, N);
      auto const map = convention::projection(t);
      auto const logits = random_logits<TestType>(map, 400, sigma);
      auto const actual = plans<TestType>(map, logits, 400);
      REQUIRE(!any_nan(actual));
      auto const g = gaussian<T>(400 * N * N, 1, 3);
      REQUIRE(!any_nan(vjps<TestType>(map, logits, g, 400)));
      if (sigma > 100) continue;
      auto const limit = std::is_same_v<T, float> ? 1e-4L : tolerance<T>(N, sigma);
      REQUIRE(error(actual, expected_plans<N>(convention::definition(t), logits, 400)) <= limit);
    }
}

TEST_CASE("a clamped column of logits far below the others is found in the log domain",
          "[projections][sinkhorn][convention]") {
  // exp underflows in the whole column: its scaling grows by 1/ε a round, and in floats the column would be lost
  using one = test_case<mhc::simd_t, float, 4>;
  for (int const t : {1, 7, 20, 50}) {
    mhc::sinkhorn<mhc::convention::megatron> const map{.iterations = t};
    auto logits = random_logits<one>(map, 100, 3);
    for (std::size_t k = 2; k < logits.size(); k += 4) logits[k] -= 150;
    auto const actual = plans<one>(map, logits, 100);
    CAPTURE(t);
    REQUIRE(error(actual, expected_plans<4>(reference::megatron{t}, logits, 100)) <= 1e-4L);
    REQUIRE(!any_nan(vjps<one>(map, logits, gaussian<float>(100 * 16, 1, 3), 100)));
  }
}

TEST_CASE("the published constants", "[projections][sinkhorn][convention][published]") {
  REQUIRE(mhc::sinkhorn<mhc::convention::deepseek_v4>{}.convention.epsilon == 1e-6);
  REQUIRE(mhc::sinkhorn<mhc::convention::megatron>{}.convention.epsilon == 1e-6);
  REQUIRE(mhc::sinkhorn<mhc::convention::log_domain>{}.convention.temperature == 1);
  // TileKernels' case: standard normal 4 x 4, 10 iterations, ε = 1e-6
  using one = test_case<mhc::simd_t, float, 4>;
  mhc::sinkhorn<mhc::convention::deepseek_v4> const map{.iterations = 10};
  auto const logits = random_logits<one>(map, 1000, 1);
  REQUIRE(error(plans<one>(map, logits, 1000), expected_plans<4>(reference::deepseek_v4{10}, logits, 1000)) <=
          tolerance<float>(4, 1));
}

TEST_CASE("the linear and the log domain agree: POT's case", "[projections][sinkhorn][convention][published]") {
  // 4 problems of order 4, K = exp(−M / 0.01) for costs in [0, 1], 50 iterations, to 1e-3: what float gets of it
  using one = test_case<mhc::simd_t, float, 4>;
  auto logits = gaussian<float>(4 * 16);
  for (auto& z : logits) z = -100 / (1 + std::exp(-z));
  mhc::sinkhorn<> const map{.iterations = 50};
  REQUIRE(error(plans<one>(map, logits, 4), expected_plans<4>(reference::paper{50}, logits, 4)) <= 1e-4L);
}

TEST_CASE("options of a convention are checked", "[projections][sinkhorn][convention][errors]") {
  using one = test_case<mhc::cpu::sequential_policy, double, 2>;
  std::vector<double> const z(4);
  auto const refused = [&](auto const& map) {
    try {
      plans<one>(map, z, 1);
    } catch (mhc::option_error const& e) {
      return std::string(e.what());
    }
    return std::string("no exception");
  };
  using mhc::sinkhorn;
  namespace convention = mhc::convention;
  REQUIRE(refused(sinkhorn<convention::deepseek_v4>{.convention = {.epsilon = 0}}) ==
          "mhc::project: sinkhorn.convention.epsilon is 0.000000, expected more than 0");
  REQUIRE(refused(sinkhorn<convention::megatron>{.convention = {.epsilon = -1}}) ==
          "mhc::project: sinkhorn.convention.epsilon is -1.000000, expected more than 0");
  REQUIRE(refused(sinkhorn<convention::log_domain>{.convention = {.temperature = 0}}) ==
          "mhc::project: sinkhorn.convention.temperature is 0.000000, expected more than 0");
  REQUIRE(refused(sinkhorn<convention::megatron>{.iterations = 0}) ==
          "mhc::project: sinkhorn.iterations is 0, expected 1 to 1024");
}
