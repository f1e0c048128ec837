// SPDX-License-Identifier: MIT
// Linear assignment against all n! permutations, ties included.

#include "support/geometry.hpp"
#include "support/refusals.hpp"

#include <mhc/geometry/distance.hpp>
#include <mhc/geometry/rounding.hpp>

#include <algorithm>
#include <numeric>
#include <random>

using namespace mhc::test;

namespace {

/// The lexicographically first of the best.
mhc::assignment best_of_all(std::vector<double> const& a) {
  auto const n = static_cast<std::size_t>(order_of(a));
  std::vector<int> p(n);
  std::iota(p.begin(), p.end(), 0);
  mhc::assignment best{p, -infinity<double>};
  do {
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) sum += a[i * n + static_cast<std::size_t>(p[i])];
    if (sum > best.value) best = {p, sum};
  } while (std::next_permutation(p.begin(), p.end()));
  return best;
}

std::vector<int> random_permutation(int n, unsigned seed) {
  std::vector<int> p(static_cast<std::size_t>(n));
  std::iota(p.begin(), p.end(), 0);
  std::mt19937 engine{seed};
  for (std::size_t k = p.size(); k > 1; --k) std::swap(p[k - 1], p[engine() % k]);
  return p;
}

std::vector<double> matrix_of(std::vector<int> const& columns) {
  std::vector<double> m(columns.size() * columns.size(), 7);
  mhc::permutation_matrix(columns, view(m));
  return m;
}

}  // namespace

TEST_CASE("nearest_permutation is the best of all, doubly stochastic or not", "[geometry][rounding]") {
  for (int n = 1; n <= 7; ++n)
    for (unsigned seed = 1; seed <= (n == 7 ? 5u : 40u); ++seed)
      for (auto const& a : {gaussian<double>(n * n, 1, seed), random_plan(n, 2, seed)}) {
        CAPTURE(n, seed);
        auto const found = mhc::nearest_permutation(view(a)), expected = best_of_all(a);
        REQUIRE(found.columns == expected.columns);
        REQUIRE(found.value == approx(expected.value).epsilon(1e-14));
      }
}

TEST_CASE("ties go to the lexicographically first permutation", "[geometry][rounding]") {
  for (int n = 1; n <= 7; ++n)
    for (unsigned seed = 1; seed <= (n == 7 ? 10u : 200u); ++seed) {
      auto a = gaussian<double>(n * n, 1, seed);
      for (auto& x : a) x = std::floor(x);  // a handful of integers: sums are exact, many are equal
      CAPTURE(n, seed);
      auto const found = mhc::nearest_permutation(view(a)), expected = best_of_all(a);
      REQUIRE(found.columns == expected.columns);
      REQUIRE(found.value == expected.value);
    }
  for (int n : {1, 5, 30}) {
    std::vector<int> identity(static_cast<std::size_t>(n));
    std::iota(identity.begin(), identity.end(), 0);
    CHECK(mhc::nearest_permutation(view(std::vector<double>(identity.size() * identity.size(), .1))).columns ==
          identity);
  }
}

TEST_CASE("nearest means nearest in Frobenius norm", "[geometry][rounding][law]") {
  auto const p = random_plan(6, 1.5, 2);
  auto const found = mhc::nearest_permutation(view(p));
  double const distance = mhc::frobenius_distance(view(p), view(matrix_of(found.columns)));
  for (unsigned seed = 1; seed <= 200; ++seed)
    CHECK(mhc::frobenius_distance(view(p), view(matrix_of(random_permutation(6, seed)))) >= distance);
}

TEST_CASE("a permutation is its own rounding, through noise below a half, at any size", "[geometry][rounding]") {
  for (int n : {1, 2, 16, 60, 120}) {
    auto const sigma = random_permutation(n, static_cast<unsigned>(n));
    auto m = matrix_of(sigma);
    CHECK(mhc::nearest_permutation(view(m)).columns == sigma);
    auto const noise = gaussian<double>(n * n, .05);
    for (std::size_t k = 0; k < m.size(); ++k) m[k] += noise[k];
    CHECK(mhc::nearest_permutation(view(m)).columns == sigma);
    std::vector<float> const narrow(m.begin(), m.end());
    CHECK(mhc::nearest_permutation(view(narrow)).columns == sigma);
  }
}

TEST_CASE("large problems keep their optimality certificate", "[geometry][rounding][law]") {
  // u_i + v_j ≤ cost_ij with equality on the matching proves it optimal
  int const n = 80;
  auto cost = gaussian<double>(n * n, 1, 3);
  auto const d = mhc::detail::solve_assignment(n, cost);
  double primal = 0, dual = 0;
  for (int j = 0; j < n; ++j) {
    auto const i = d.row_of[static_cast<std::size_t>(j)];
    primal += cost[mhc::detail::at(n, i, j)];
    dual += d.u[static_cast<std::size_t>(j)] + d.v[static_cast<std::size_t>(j)];
    for (int k = 0; k < n; ++k)
      CHECK(cost[mhc::detail::at(n, k, j)] - d.u[static_cast<std::size_t>(k)] - d.v[static_cast<std::size_t>(j)] >=
            -1e-13);
  }
  CHECK(primal == approx(dual).epsilon(1e-12));
}

TEST_CASE("rounding refuses what it cannot order, and what is no permutation", "[geometry][rounding][refusal]") {
  for (double const bad : {not_a_number<double>, infinity<double>}) {
    std::vector<double> const m{1, bad, 0, 1};
    CHECK_THROWS_AS(mhc::nearest_permutation(view(m)), mhc::membership_error);
  }
  CHECK_THROWS_WITH(mhc::nearest_permutation(view(std::vector<double>{1, not_a_number<double>, 0, 1})),
                    "mhc::nearest_permutation: matrix: entry (0, 1) is nan (expected a finite number)");
  std::vector<double> m(4, 7);
  auto const says = [&](std::vector<int> const& columns, char const* text) {
    CHECK_THAT(refusal([&] { mhc::permutation_matrix(columns, view(m)); }), contains(text));
  };
  says({0}, "mhc::permutation_matrix: columns has 1 entries, expected 2");
  says({0, 0}, "mhc::permutation_matrix: columns has 0, expected each of 0 to 1 once");
  says({2, 0}, "mhc::permutation_matrix: columns has 2, expected each of 0 to 1 once");
  says({-1, 0}, "mhc::permutation_matrix: columns has -1");
  CHECK(m == std::vector<double>(4, 7));
  CHECK_THAT(refusal([] { mhc::nearest_permutation(mhc::matrix_view<double const>{}); }),
             contains("matrix has order 0"));
}
