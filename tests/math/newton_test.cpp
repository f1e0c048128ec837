// SPDX-License-Identifier: MIT
#include "support/arrays.hpp"

#include <mhc/math/newton.hpp>

using namespace mhc::test;
using mhc::math::tile;

template <int N>
tile<double, N> random_logits(double sigma, unsigned seed) {
  tile<double, N> z;
  auto const a = gaussian<double>(N * N, sigma, seed);
  for (int k = 0; k < N * N; ++k) z[k] = a[static_cast<std::size_t>(k)];
  return z;
}

template <int N>
mhc::math::newton_step<double, N> step_at(tile<double, N> const& z, mhc::math::vec<double, N> const& b) {
  mhc::math::unit_marginals const ones;
  return mhc::math::newton_step_at(ones, mhc::math::rows_from_potentials(ones, z, b));
}

template <int N>
double objective(tile<double, N> const& z, mhc::math::vec<double, N> const& b) {
  double phi = 0;
  for (int i = 0; i < N; ++i) {
    double sum = 0;
    for (int j = 0; j < N; ++j) sum += std::exp(z.at[i][j] + b[j]);
    phi += std::log(sum) - b[i];
  }
  return phi;
}

TEST_CASE("every damped step goes down, from anywhere", "[math][newton][law]") {
  constexpr int N = 5;
  for (unsigned seed = 1; seed <= 40; ++seed) {
    auto const z = random_logits<N>(seed % 2 ? 2 : 8, seed);
    auto b = mhc::math::filled<N>(0.);
    double phi = objective(z, b);
    for (int k = 0; k < 30; ++k) {
      auto const s = step_at(z, b);
      for (int j = 0; j < N; ++j) b[j] += s.step[j];
      double const next = objective(z, b);
      REQUIRE(next <= phi + 64 * eps<double> * (1 + std::abs(phi)));
      phi = next;
    }
    REQUIRE(step_at(z, b).error <= 1e-12);
  }
}

TEST_CASE("the end is quadratic: the error falls below the square of the step", "[math][newton][law]") {
  constexpr int N = 4;
  auto const z = random_logits<N>(1, 3);
  auto b = mhc::math::filled<N>(0.);
  for (int k = 0; k < 8; ++k) {
    auto const s = step_at(z, b);
    for (int j = 0; j < N; ++j) b[j] += s.step[j];
    auto const after = step_at(z, b);
    if (s.oscillation < .5) REQUIRE(after.error <= s.oscillation * s.oscillation + 16 * eps<double>);
  }
}

TEST_CASE("the step is exact for a diagonal scaling of a doubly stochastic matrix, to second order", "[math][newton]") {
  constexpr int N = 3;
  tile<double, N> t;
  double const base[9] = {.5, .3, .2, .2, .5, .3, .3, .2, .5}, shift[3] = {1e-5, -2e-5, 3e-5};
  for (int k = 0; k < 9; ++k) t[k] = std::log(base[k]) + shift[k % 3];
  auto const s = step_at(t, mhc::math::filled<N>(0.));
  for (int j = 1; j < N; ++j) REQUIRE(std::abs((s.step[j] - s.step[0]) + (shift[j] - shift[0])) <= 1e-8);
}

TEST_CASE("a matrix of order one is 1 whatever its logit", "[math][newton]") {
  for (double const z : {-1e300, -5., 0., 700., 1e300})
    REQUIRE(
        mhc::math::entropic_projection(mhc::math::unit_marginals{}, tile<double, 1>{{{z}}}, eps<double>, 3).plan[0] ==
        1);
}
