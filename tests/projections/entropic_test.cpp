// SPDX-License-Identifier: MIT
// The exact projection: values, convergence and derivatives.

#include "support/project.hpp"

using namespace mhc::test;

// Newton stops at a marginal error of N·eps or its rounding. An error of the marginals moves no entry by more than
// their sum: with logits fixed, a change of the marginals spreads over P like a current, which never exceeds what is
// injected. Two marginals per line, and N-term rounding of each.
template <class T>
T tolerance(int n) {
  return T(4 * n * n) * eps<T>;
}

TEMPLATE_LIST_TEST_CASE("entropic agrees with a dense Newton method in long double", "[projections][entropic]",
                        all_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (double const sigma : {1., 3., 10., 100.}) {
    CAPTURE(sigma, N);
    auto const logits = gaussian<T>(25 * N * N, sigma);
    // and the rounding of logits and potentials as large as the spread
    T const bound = tolerance<T>(N) + T(2) * spread<N>(logits) * eps<T>;
    REQUIRE(error(project<TestType>(mhc::entropic{}, logits), expected_plan<N>({0}, logits)) <= bound);
  }
}

TEMPLATE_LIST_TEST_CASE("rows and columns of entropic sum to 1", "[projections][entropic][law]", some_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (double const sigma : {1., 3., 10., 100.}) {
    CAPTURE(sigma, N);
    auto const logits = gaussian<T>(300 * N * N, sigma);
    auto const plan = project<TestType>(mhc::entropic{}, logits);
    long double worst = 0;
    for (std::ptrdiff_t b = 0; b < 300; ++b)
      for (int i = 0; i < N; ++i)
        worst = std::max({worst, std::abs(row_sum<N>(plan, b, i) - 1), std::abs(column_sum<N>(plan, b, i) - 1)});
    // as its documentation says; and in the log domain, where entries come from potentials as large as the spread
    T const range = spread<N>(logits);
    REQUIRE(worst <= (T(2 * N) + (range > mhc::math::linear_range<T> ? 2 * range : T(0))) * eps<T>);
    REQUIRE(std::all_of(plan.begin(), plan.end(), [](T p) { return p >= 0; }));
  }
}

TEST_CASE("the marginal error of 10000 float matrices", "[projections][entropic][published]") {
  // mHC-proj's four samples, in L1; for N(0, 10²) it publishes a mean of 1.6e-3 and a worst case of 9.1e-2
  using one = test_case<mhc::simd_t, float, 4>;
  auto const uniform = [](double width) {
    std::mt19937 engine{1};
    std::uniform_real_distribution<float> draw(float(-width), float(width));
    std::vector<float> z(10000 * 16);
    for (auto& value : z) value = draw(engine);
    return z;
  };
  for (auto const& logits : {gaussian<float>(10000 * 16), uniform(1), gaussian<float>(10000 * 16, 10), uniform(10)}) {
    auto const plan = project<one>(mhc::entropic{}, logits);
    long double mean = 0, worst = 0;
    for (std::ptrdiff_t b = 0; b < 10000; ++b) {
      long double sum = 0;
      for (int i = 0; i < 4; ++i) sum += std::abs(row_sum<4>(plan, b, i) - 1) + std::abs(column_sum<4>(plan, b, i) - 1);
      mean += sum / 10000;
      worst = std::max(worst, sum);
    }
    CAPTURE(mean, worst);
    REQUIRE(mean <= 1e-6L);
    REQUIRE(worst <= 5e-6L);
  }
}

TEMPLATE_LIST_TEST_CASE("near the identity Newton needs single digits of steps", "[projections][entropic]",
                        some_cases) {
  // where Sinkhorn's iteration contracts at 0.997 and needs thousands
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  std::vector<T> z(N * N, -8);
  for (std::size_t i = 0; i < N; ++i) z[i * (N + 1)] = 0;
  auto noisy = z;
  auto const noise = gaussian<T>(N * N, .3);
  for (std::size_t k = 0; k < z.size(); ++k) noisy[k] += noise[k];
  for (auto const& logits : {z, noisy})
    REQUIRE(error(project<TestType>(mhc::entropic{.max_iterations = 9}, logits), expected_plan<N>({0}, logits)) <=
            tolerance<T>(N));
}

using order_two = both_policies<double, 2>;

TEMPLATE_LIST_TEST_CASE("order two in closed form", "[projections][entropic]", order_two) {
  auto const z = gaussian<double>(100 * 4, 5);
  auto const plan = project<TestType>(mhc::entropic{}, z);
  for (std::size_t b = 0; b < 400; b += 4) {
    double const p = 1 / (1 + std::exp(-(z[b] + z[b + 3] - z[b + 1] - z[b + 2]) / 2));
    REQUIRE(std::abs(plan[b] - p) <= tolerance<double>(2));
    REQUIRE(std::abs(plan[b + 1] - (1 - p)) <= tolerance<double>(2));
  }
}

TEST_CASE("order two in float, to its last digits", "[projections][entropic]") {
  using one = test_case<mhc::simd_t, float, 2>;
  for (double const sigma : {1., 10., 100.}) {
    auto const z = gaussian<float>(1000 * 4, sigma);
    REQUIRE(error(project<one>(mhc::entropic{}, z), expected_plan<2>({0}, z)) <= (2 + spread<2>(z) / 2) * eps<float>);
  }
}

TEST_CASE("[[.6, .4], [.4, .6]] is a fixed point of the exact projection", "[projections][entropic][published]") {
  using one = test_case<mhc::cpu::sequential_policy, double, 2>;  // jaxopt's case
  std::vector<double> const p{.6, .4, .4, .6};
  std::vector<double> z;
  for (double const entry : p) z.push_back(std::log(entry));
  REQUIRE(error(project<one>(mhc::entropic{}, z), p) <= eps<double>);
}

TEMPLATE_LIST_TEST_CASE("entropic forgets a shift of any row and of any column", "[projections][entropic][law]",
                        some_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  auto const logits = gaussian<T>(30 * N * N, 3);
  auto shifted = logits;
  for (std::size_t k = 0; k < shifted.size(); ++k) shifted[k] += T(100) * T(k / N % N) - T(70) * T(k % N);
  T const bound = tolerance<T>(N) + T(2) * spread<N>(shifted) * eps<T>;
  REQUIRE(error(project<TestType>(mhc::entropic{}, logits), project<TestType>(mhc::entropic{}, shifted)) <= bound);
}

TEMPLATE_LIST_TEST_CASE("a projected matrix is a fixed point", "[projections][entropic][law]", some_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  auto const plan = project<TestType>(mhc::entropic{}, gaussian<T>(30 * N * N, 2));
  auto logits = plan;
  for (auto& z : logits) z = std::log(z);
  REQUIRE(error(project<TestType>(mhc::entropic{}, logits), plan) <=
          tolerance<T>(N) + T(2) * spread<N>(logits) * eps<T>);
}

TEMPLATE_LIST_TEST_CASE("a tolerance and a limit of steps stop Newton early", "[projections][entropic]", few_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  auto const logits = gaussian<T>(40 * N * N, 10);
  auto const worst_column = [&](mhc::entropic const& projection) {
    auto const plan = project<TestType>(projection, logits);
    long double worst = 0;
    for (std::ptrdiff_t b = 0; b < 40; ++b)
      for (int j = 0; j < N; ++j) worst = std::max(worst, std::abs(column_sum<N>(plan, b, j) - 1));
    return worst;
  };
  REQUIRE(worst_column({.tolerance = 1e-2}) <= 1e-2L);
  REQUIRE(worst_column({.tolerance = 1e-2}) > 100 * worst_column({}));
  REQUIRE(worst_column({.max_iterations = 1}) > worst_column({.max_iterations = 8}));
}

TEST_CASE("no lane of a group is changed by a slow neighbour", "[projections][entropic]") {
  using one = test_case<mhc::simd_t, double, 4>;
  auto mixed = gaussian<double>(16 * 16, 1);
  for (std::size_t k = 0; k < mixed.size(); ++k) mixed[k] *= (k / 16 % 3 == 0) ? 150 : 1;  // wide, narrow, narrow
  auto const together = project<one>(mhc::entropic{}, mixed);
  for (std::size_t b = 0; b < 16; ++b) {
    auto const at = static_cast<std::ptrdiff_t>(16 * b);
    std::vector<double> const alone(mixed.begin() + at, mixed.begin() + at + 16);
    REQUIRE(same_bits(project<one>(mhc::entropic{}, alone),
                      std::vector<double>(together.begin() + at, together.begin() + at + 16)));
  }
}
