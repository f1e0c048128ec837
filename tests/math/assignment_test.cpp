// SPDX-License-Identifier: MIT
#include "support/arrays.hpp"

#include <mhc/math/assignment.hpp>

#include <algorithm>
#include <cmath>
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
    auto const b = mhc::math::potentials_of_assignment(z);
    CAPTURE(seed);
    REQUIRE(b[0] == 0);
    REQUIRE(std::abs(dual_objective(z, b) - best_permutation(z)) <= 1e-12);
  }
}

TEST_CASE("the potentials are inside of all that are optimal, not at the edge", "[math][assignment][law]") {
  for (unsigned seed = 1; seed <= 200; ++seed) {
    auto const z = random_logits(3, seed);
    double const best = best_permutation(z);
    CAPTURE(seed);
    for (int j = 1; j < 4; ++j)
      for (double const step : {-1e-6, 1e-6, -100., 100.}) {
        auto b = mhc::math::potentials_of_assignment(z);
        b[j] += step;
        if (std::abs(step) < 1)
          REQUIRE(dual_objective(z, b) <= best + 1e-12);
        else
          REQUIRE(dual_objective(z, b) > best + 1);
      }
  }
}
