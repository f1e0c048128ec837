// SPDX-License-Identifier: MIT
#include "support/arrays.hpp"

#include <mhc/math/assignment.hpp>
#include <mhc/math/newton.hpp>

#include <algorithm>
#include <limits>

using namespace mhc::test;
using mhc::math::tile;
using mhc::math::vec;

namespace {

tile<double, 4> random_logits(double sigma, unsigned seed) {
  tile<double, 4> z;
  auto const a = gaussian<double>(16, sigma, seed);
  for (int k = 0; k < 16; ++k) z[k] = a[static_cast<std::size_t>(k)];
  return z;
}

double best_permutation(tile<double, 4> const& z) {
  int p[] = {0, 1, 2, 3};
  double best = -std::numeric_limits<double>::infinity();
  do {
    best = std::max(best, z.at[0][p[0]] + z.at[1][p[1]] + z.at[2][p[2]] + z.at[3][p[3]]);
  } while (std::next_permutation(p, p + 4));
  return best;
}

/// Σ_i max_j (Z_ij + b_j) − Σ_j b_j, which is nowhere less than the best permutation.
double dual_objective(tile<double, 4> const& z, vec<double, 4> const& b) {
  double sum = 0;
  for (int i = 0; i < 4; ++i) {
    double top = z.at[i][0] + b[0];
    for (int j = 1; j < 4; ++j) top = std::max(top, z.at[i][j] + b[j]);
    sum += top - b[i];
  }
  return sum;
}

}  // namespace

TEST_CASE("strong duality: the potentials reach the best permutation", "[math][assignment][law]") {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    auto const z = random_logits(10, seed);
    auto const dual = mhc::math::dual_of_assignment(z);
    CAPTURE(seed);
    REQUIRE(dual.columns[0] == 0);
    REQUIRE(std::abs(dual_objective(z, dual.columns) - best_permutation(z)) <= 1e-12);
  }
}

TEST_CASE("potentials further from the middle than the range are not optimal", "[math][assignment][law]") {
  int inside = 0;
  for (unsigned seed = 1; seed <= 200; ++seed) {
    auto const z = random_logits(3, seed);
    auto const dual = mhc::math::dual_of_assignment(z);
    double const best = best_permutation(z);
    for (int j = 1; j < 4; ++j)
      for (double const sign : {-1., 1.}) {
        auto b = dual.columns;
        b[j] += sign * (dual.range + 1e-6);
        REQUIRE(dual_objective(z, b) > best + 1e-9);
        b[j] = dual.columns[j] + sign * 1e-6;
        inside += dual_objective(z, b) <= best + 1e-12 ? 1 : 0;
      }
  }
  CHECK(inside > 1000);  // of 1200: the middle is away from the edge of what is optimal
}

TEST_CASE("of widely spread logits the potentials are those of the projection", "[math][assignment]") {
  // Exactly, in the limit: the projection's lie in what is optimal but for the logarithm of how many permutations are as
  // good as the best.
  for (unsigned seed = 1; seed <= 100; ++seed) {
    auto const z = random_logits(100, seed);
    auto const dual = mhc::math::dual_of_assignment(z);
    auto b = mhc::math::filled<4>(0.);
    mhc::math::unit_marginals const ones;
    for (int k = 0; k < 200; ++k) {
      auto const s = mhc::math::newton_step_at(ones, mhc::math::rows_from_potentials(ones, z, b));
      for (int j = 0; j < 4; ++j) b[j] += s.step[j];
    }
    CAPTURE(seed, dual.range);
    for (int j = 1; j < 4; ++j) REQUIRE(std::abs((b[j] - b[0]) - dual.columns[j]) <= dual.range + 2 * std::log(24.));
  }
}
