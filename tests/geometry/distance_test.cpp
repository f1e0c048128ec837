// SPDX-License-Identifier: MIT
// Divergence and distance against long double, and the nearest doubly stochastic matrix in Kullback–Leibler divergence.

#include "support/geometry.hpp"
#include "support/refusals.hpp"

#include <mhc/geometry/distance.hpp>

using namespace mhc::test;

namespace {

long double reference_divergence(std::vector<double> const& p, std::vector<double> const& q) {
  long double sum = 0;
  for (std::size_t k = 0; k < p.size(); ++k) {
    long double const a = p[k], b = q[k];
    sum += (a > 0 ? a * std::log(a / b) : 0) - a + b;
  }
  return sum;
}

template <int N>
std::vector<double> kl_projection(std::vector<double> const& positive) {
  std::vector<double> plan(positive.size());
  mhc::kl_projection(as_batch<N>(positive), as_batch<N>(plan));
  return plan;
}

}  // namespace

TEST_CASE("kl_divergence agrees with its definition in long double", "[geometry][distance]") {
  for (int n : {1, 2, 4, 9})
    for (double const sigma : {.1, 1., 3.}) {
      auto const p = random_plan(n, sigma, 1), q = random_plan(n, sigma, 2);
      CHECK(mhc::kl_divergence(view(p), view(q)) ==
            approx(static_cast<double>(reference_divergence(p, q))).epsilon(1e-12).margin(1e-15));
      CHECK(mhc::kl_divergence(view(p), view(p)) == 0);
    }
}

TEST_CASE("kl_divergence keeps its digits where p is near q", "[geometry][distance]") {
  // per entry q((1+x) log(1+x) − x) = q(x²/2 − x³/6 + x⁴/12 − …)
  for (double const d : {0x1p-3, 0x1p-6, 0x1p-8, 0x1p-20, 0x1p-40}) {
    std::vector<double> const p{.5 + d, .5 - d, .5 - d, .5 + d}, q(4, .5);
    long double exact = 0, power = 4.0L * d * d;
    for (int k = 2; k < 400; k += 2, power *= 4.0L * d * d) exact += 2 * power / (k * (k - 1));  // odd powers cancel
    CHECK(std::abs(mhc::kl_divergence(view(p), view(q)) / exact - 1) < 1e-12L);
  }
}

TEST_CASE("kl_divergence at zeros and bad numbers", "[geometry][distance]") {
  std::vector<double> const identity{1, 0, 0, 1}, half(4, .5), negative{2, -1, -1, 2};
  CHECK(mhc::kl_divergence(view(identity), view(half)) == approx(2 * std::log(2.)));
  CHECK(mhc::kl_divergence(view(half), view(identity)) == infinity<double>);
  CHECK(mhc::kl_divergence(view(identity), view(identity)) == 0);
  CHECK(std::isnan(mhc::kl_divergence(view(negative), view(negative))));
  CHECK(std::isnan(mhc::kl_divergence(view(half), view(negative))));
  CHECK(std::isnan(mhc::kl_divergence(view(std::vector<double>(4, not_a_number<double>)), view(half))));
}

TEST_CASE("frobenius_distance", "[geometry][distance]") {
  std::vector<double> const identity{1, 0, 0, 1}, swap{0, 1, 1, 0};
  std::vector<float> const half(4, .5f);
  CHECK(mhc::frobenius_distance(view(identity), view(swap)) == 2);
  CHECK(mhc::frobenius_distance(view(identity), view(half)) == 1);
  CHECK(std::isnan(mhc::frobenius_distance(view(std::vector<double>(4, not_a_number<double>)), view(half))));
}

TEST_CASE("jaxopt and Manifolds.jl: points are fixed by the projection", "[geometry][distance][published]") {
  std::vector<double> const p{.6, .4, .4, .6};
  CHECK(error(kl_projection<2>(p), p) <= 4 * eps<double>);
  for (auto const& q : published_points()) CHECK(error(kl_projection<3>(q), q) <= 4 * eps<double>);
}

TEST_CASE("Manifolds.jl: projecting −1 throws, and nothing is written", "[geometry][distance][published]") {
  auto m = repeated(2, [](unsigned b) { return std::vector<double>(9, b == 0 ? 1 : -1); });
  std::vector<double> plan(18, 7);
  CHECK_THROWS_AS(mhc::kl_projection(as_batch<3>(m), as_batch<3>(plan)), mhc::membership_error);
  CHECK_THROWS_WITH(mhc::kl_projection(as_batch<3>(m), as_batch<3>(plan)),
                    "mhc::kl_projection: matrix 1: entry (0, 0) is -1 (expected positive and finite)");
  for (double const bad : {0., not_a_number<double>, infinity<double>}) {
    m[17] = bad;
    CHECK_THROWS_AS(mhc::kl_projection(as_batch<3>(m), as_batch<3>(plan)), mhc::membership_error);
  }
  CHECK(plan == std::vector<double>(18, 7));
}

TEST_CASE("geoopt: the projection is idempotent, and a batch is its matrices", "[geometry][distance][published]") {
  auto positive = gaussian<double>(10 * 16, 1);
  for (auto& x : positive) x = std::abs(x) + 1e-3;
  auto const plan = kl_projection<4>(positive);
  CHECK(error(kl_projection<4>(plan), plan) <= 8 * eps<double>);
  for (std::ptrdiff_t b = 0; b < 10; ++b) {
    std::vector<double> const one(positive.begin() + b * 16, positive.begin() + b * 16 + 16);
    CHECK(same_bits(kl_projection<4>(one), std::vector<double>(plan.begin() + b * 16, plan.begin() + b * 16 + 16)));
  }
  mhc::kl_projection(as_batch<4>(positive), as_batch<4>(positive));
  CHECK(same_bits(positive, plan));
}

TEST_CASE("Pythagoras: D(Q, K) = D(Q, P) + D(P, K) for the projection P of K", "[geometry][distance][law]") {
  for (double const sigma : {.5, 2., 5.})
    for (unsigned seed = 1; seed <= 10; ++seed) {
      auto k = gaussian<double>(16, sigma, seed);
      for (auto& x : k) x = std::exp(x);
      auto const p = kl_projection<4>(k), q = random_plan(4, 2, seed + 100);
      auto const d = [](auto const& a, auto const& b) { return mhc::kl_divergence(view(a), view(b)); };
      CHECK(d(q, k) == approx(d(q, p) + d(p, k)).epsilon(1e-12));
    }
}

TEST_CASE("distances refuse matrices that do not fit", "[geometry][distance][refusal]") {
  std::vector<double> const two(4, .5), three(9, 1. / 3);
  CHECK_THAT(refusal([&] { mhc::kl_divergence(view(two), view(three)); }),
             contains("mhc::kl_divergence: q has order 3, expected 2"));
  CHECK_THAT(refusal([&] { mhc::frobenius_distance(view(three), view(two)); }),
             contains("mhc::frobenius_distance: q has order 2, expected 3"));
  CHECK_THAT(refusal([&] { mhc::frobenius_distance(mhc::matrix_view<double const>{nullptr, 2}, view(two)); }),
             contains("mhc::frobenius_distance: p is null"));
  std::vector<double> plan(8);
  CHECK_THAT(refusal([&] { mhc::kl_projection(as_batch<2>(two), as_batch<2>(plan)); }),
             contains("mhc::kl_projection: plan has 2 tokens or matrices, expected 1"));
}
