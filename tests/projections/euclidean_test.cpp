// SPDX-License-Identifier: MIT
// The nearest doubly stochastic matrix.

#include "support/families.hpp"
#include "support/refusals.hpp"

#include <mhc/projections/euclidean.hpp>

#include <array>

using namespace mhc::test;
using mhc::euclidean;

using all_doubles = both_policies<double, 1, 2, 3, 4, 5, 6, 7, 8>;
using gradient_cases = joined<both_policies<double, 1, 2, 3, 4, 6, 8>, both_policies<float, 3, 4, 8>>;
using order_four = joined<both_policies<double, 4>, both_policies<float, 4>>;
using report_cases = joined<both_policies<float, 4, 8>, both_policies<double, 4, 8>>;
using lane_cases = joined<both_policies<float, 3>, both_policies<double, 4>>;

TEMPLATE_LIST_TEST_CASE("the nearest matrix is doubly stochastic", "[projections][euclidean][law]", all_cases) {
  require_doubly_stochastic<TestType>(euclidean{}, {.01, .3, 1, 3, 10, 100, 1e6});
}

TEMPLATE_LIST_TEST_CASE("optimality is certified, from narrow logits to wide ones", "[projections][euclidean]",
                        all_doubles) {
  // potentials that satisfy the conditions of optimality exist: nothing else is nearer
  constexpr int N = TestType::n;
  for (double const sigma : {.01, .1, .3, 1., 3., 10., 100.}) {
    CAPTURE(sigma, N);
    auto const logits = random_logits<TestType>(euclidean{}, 200, sigma);
    auto const plan = plans<TestType>(euclidean{}, logits, 200);
    for (std::ptrdiff_t b = 0; b < 200; ++b) {
      auto const p = widen(plan, b * N * N, N * N), x = widen(logits, b * N * N, N * N);
      std::vector<char> on;
      for (auto const entry : p) on.push_back(entry > 0);
      REQUIRE(reference::euclidean::certified(x, on, N, 4 * N * eps<double>));
      REQUIRE(error(p, reference::euclidean::on_pattern(x, on, N)) <= (4 * N + 4 * largest(x)) * eps<double>);
    }
  }
}

TEMPLATE_LIST_TEST_CASE("euclidean agrees with its definition", "[projections][euclidean]", gradient_cases) {
  // an entry is a difference of numbers as large as the logits; derivatives see the pattern alone
  constexpr int N = TestType::n;
  for (double const sigma : {.2, 1., 4.})
    require_reference<TestType>(euclidean{}, reference::euclidean{}, sigma,
                                4 * N + 16 * static_cast<long double>(sigma), 16 * N, N > 4 ? 3 : 9);
}

TEMPLATE_LIST_TEST_CASE("a doubly stochastic matrix is its own projection", "[projections][euclidean][law]",
                        some_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (double const sigma : {.1, 1., 10.}) {
    auto const plan = plans<TestType>(euclidean{}, random_logits<TestType>(euclidean{}, 60, sigma), 60);
    auto const again = plans<TestType>(euclidean{}, plan, 60);
    REQUIRE(error(again, plan) <= 4 * N * eps<T>);
  }
  if constexpr (N == 2) {
    std::vector<T> const fixed{T(.6), T(.4), T(.4), T(.6)};
    REQUIRE(error(plans<TestType>(euclidean{}, fixed, 1), fixed) <= eps<T>);
  }
}

TEMPLATE_LIST_TEST_CASE("the projection is nonexpansive and forgets a⊕b", "[projections][euclidean][law]",
                        double_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (double const sigma : {.2, 2., 20.}) {
    auto const x = random_logits<TestType>(euclidean{}, 60, sigma),
               y = random_logits<TestType>(euclidean{}, 60, sigma, 9);
    auto const p = plans<TestType>(euclidean{}, x, 60), q = plans<TestType>(euclidean{}, y, 60);
    for (std::size_t b = 0; b < p.size(); b += N * N) {
      long double before = 0, after = 0;
      for (std::size_t k = b; k < b + N * N; ++k) {
        before += (static_cast<long double>(x[k]) - y[k]) * (static_cast<long double>(x[k]) - y[k]);
        after += (static_cast<long double>(p[k]) - q[k]) * (static_cast<long double>(p[k]) - q[k]);
      }
      REQUIRE(after <= before * (1 + 100 * eps<T>));
    }
    auto shifted = x;
    for (std::size_t k = 0; k < x.size(); ++k) shifted[k] += T(7) * T(k / N % N) - T(3) * T(k % N);
    REQUIRE(error(plans<TestType>(euclidean{}, shifted, 60), p) <= T(16 * N + 4 * sigma) * 8 * eps<T>);
  }
}

TEMPLATE_LIST_TEST_CASE("entries that are not needed are exactly 0, and wide logits give the best assignment",
                        "[projections][euclidean]", order_four) {
  using T = typename TestType::value;
  auto const z = random_logits<TestType>(euclidean{}, 300, 1);
  auto const some = plans<TestType>(euclidean{}, z, 300);
  REQUIRE(std::count(some.begin(), some.end(), T(0)) > 300 * 4);
  auto const wide = random_logits<TestType>(euclidean{}, 300, 1000);
  auto const p = plans<TestType>(euclidean{}, wide, 300);
  for (std::size_t b = 0; b < 300; ++b) {
    std::array<std::size_t, 4> order{0, 1, 2, 3}, best = order;
    T most = -infinity<T>;
    do {
      T total = 0;
      for (std::size_t i = 0; i < 4; ++i) total += wide[(b * 4 + i) * 4 + order[i]];
      if (total > most) most = total, best = order;
    } while (std::next_permutation(order.begin(), order.end()));
    // nearest to X is largest in ⟨X, P⟩ − ‖P‖²/2: the best permutation, unless others come within N of it
    T gained = 0;
    for (std::size_t k = 0; k < 16; ++k) gained += wide[b * 16 + k] * p[b * 16 + k];
    REQUIRE(gained >= most - 4 - 4000 * T(8) * eps<T>);
  }
}

TEMPLATE_LIST_TEST_CASE("extreme logits converge", "[projections][euclidean]", report_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  std::vector<std::vector<T>> awkward(5, std::vector<T>(N * N, T(0)));
  for (std::size_t k = 0; k < N * N; ++k) {
    awkward[1][k] = T(k);                         // rank one: every matrix is as good as any, J/N is nearest
    awkward[2][k] = k % N == 0 ? T(1000) : T(0);  // all want the same column
    awkward[3][k] = k / N == k % N ? T(0) : T(-1e9);
    awkward[4][k] = T(1) / T(1 + k / N + k % N);  // Hilbert
  }
  for (auto const& z : awkward) {
    auto const p = plans<TestType>(euclidean{}, z, 1);
    REQUIRE(worst_sum<N>(p) <= sum_tolerance<T>);
  }
  auto const uniform = std::vector<T>(N * N, T(1) / N);
  REQUIRE(error(plans<TestType>(euclidean{}, awkward[0], 1), uniform) == 0);
  REQUIRE(error(plans<TestType>(euclidean{}, awkward[1], 1), uniform) <= T(N * N) * eps<T>);
  REQUIRE(error(plans<TestType>(euclidean{}, awkward[2], 1), uniform) <= T(1000) * eps<T>);
  REQUIRE(error(plans<TestType>(euclidean{}, awkward[3], 1),
                expected_plans<N>(reference::identity{}, std::vector<T>{}, 1)) == 0);
}

TEMPLATE_LIST_TEST_CASE("the report counts the steps and says when they did not suffice", "[projections][euclidean]",
                        report_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  constexpr std::ptrdiff_t batch = 500;
  auto const run = [&](euclidean const& projection, std::vector<T> const& logits) {
    guarded<T> const z(logits);
    guarded<T> plan(batch * N * N), report(batch * 3);
    mhc::project(typename TestType::policy{}, projection, mhc::vector_view<T const, N * N>{z.data(), batch},
                 mhc::batch_view<T, N>{plan.data(), batch}, mhc::vector_view<T, 3>{report.data(), batch});
    REQUIRE(same_bits(plan.values(), plans<TestType>(projection, logits, batch)));
    return report.values();
  };
  for (double const sigma : {.01, 1., 10., 100., 1e4}) {
    CAPTURE(sigma);
    auto const report = run(euclidean{}, random_logits<TestType>(euclidean{}, batch, sigma));
    for (std::size_t b = 0; b < report.size(); b += 3) {
      REQUIRE(report[b] <= T(4 * N) * eps<T>);
      REQUIRE(report[b + 1] <= 150);
      REQUIRE(report[b + 2] == 1);
    }
  }
  auto const early = run(euclidean{.max_iterations = 1}, random_logits<TestType>(euclidean{}, batch, 3));
  long double converged = 0;
  for (std::size_t b = 0; b < early.size(); b += 3) {
    REQUIRE(early[b + 1] <= (std::is_same_v<T, float> ? 2 : 1));  // one in float, one in double
    converged += early[b + 2];
  }
  REQUIRE(converged < batch / 2);
}

TEST_CASE("[[.6, .4], [.4, .6]] is a fixed point of the nearest", "[projections][euclidean][published]") {
  using one = test_case<mhc::cpu::sequential_policy, double, 2>;  // jaxopt's case
  std::vector<double> const p{.6, .4, .4, .6};
  REQUIRE(error(plans<one>(euclidean{}, p, 1), p) <= eps<double>);
}

TEST_CASE("options out of range are refused", "[projections][euclidean][errors]") {
  using one = test_case<mhc::cpu::sequential_policy, double, 2>;
  std::vector<double> const z(4);
  require_refused([&] { plans<one>(euclidean{.tolerance = -1}, z, 1); },
                  {"option: mhc::project: euclidean.tolerance is -1"});
  require_refused([&] { plans<one>(euclidean{.max_iterations = 0}, z, 1); },
                  {"option: mhc::project: euclidean.max_iterations is 0"});
}

TEMPLATE_LIST_TEST_CASE("euclidean lanes are independent and NaN stays", "[projections][euclidean]", lane_cases) {
  require_independent_lanes<TestType>(euclidean{}, {.01, 100, 1, 1e5, 10});
  require_nan_stays<TestType>(euclidean{});
}
