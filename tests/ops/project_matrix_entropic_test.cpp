// SPDX-License-Identifier: MIT
// The exact projection of one matrix of any order: against the batch's, against long double, and for large orders by
// what characterises it: unit sums, and a logarithm that differs from the logits by a⊕b.

#include "support/project_matrix.hpp"

#include <mhc/projections/entropic.hpp>

using namespace mhc::test;

namespace {

using array = std::vector<double>;

/// max |D_ij − D_i0 − D_0j + D_00|: 0 for D = a⊕b.
long double not_a_sum(std::vector<long double> const& d, std::size_t n) {
  long double worst = 0;
  for (std::size_t i = 1; i < n; ++i)
    for (std::size_t j = 1; j < n; ++j) worst = std::max(worst, std::abs(d[i * n + j] - d[i * n] - d[j] + d[0]));
  return worst;
}

template <class Policy>
void check_characterisation(Policy const& policy, int n, double sigma) {
  auto const size = static_cast<std::size_t>(n);
  auto const logits = gaussian<double>(n * n, sigma, 5), g = gaussian<double>(n * n, 1, 6);
  mhc::matrix_report report{};
  auto const plan = project_one(policy, mhc::entropic{}, logits, &report);
  CAPTURE(n, sigma, report.steps, report.error);
  CHECK(report.converged);
  CHECK(report.error <= 2 * n * eps<double>);
  CHECK(worst_line_sum(plan, size, 1) <= 2 * n * eps<double>);
  std::vector<long double> d(size * size);
  for (std::size_t k = 0; k < d.size(); ++k) d[k] = std::log(static_cast<long double>(plan[k])) - logits[k];
  // rounding of every step, and of the logits themselves
  CHECK(not_a_sum(d, size) <= (20 * report.steps + 10 * sigma) * eps<double>);

  auto const gradient = project_one_vjp(policy, mhc::entropic{}, logits, plan, g);
  CHECK(worst_line_sum(gradient, size, 0) <= 20 * n * eps<double>);
  for (std::size_t k = 0; k < d.size(); ++k)
    d[k] = plan[k] > 1e-8 ? static_cast<long double>(gradient[k]) / plan[k] - g[k] : 0;
  if (sigma <= 1) CHECK(not_a_sum(d, size) <= 1e-9L);
}

}  // namespace

TEST_CASE("entropic: one matrix is what a batch of one is", "[ops][project_matrix][entropic]") {
  for (double const sigma : {.5, 3.}) {
    compare_with_batch<1, double>(mhc::entropic{}, sigma, 60, 4000);
    compare_with_batch<4, double>(mhc::entropic{}, sigma, 60, 4000);
  }
  compare_with_batch<4, float>(mhc::entropic{}, 1, 60, 4000);
}

TEST_CASE("entropic of order 33 agrees with long double, gradients too", "[ops][project_matrix][entropic]") {
  for (double const sigma : {.3, 2.}) {
    auto const logits = gaussian<double>(33 * 33, sigma), g = gaussian<double>(33 * 33, 1, 2);
    auto const plan = project_one(mhc::simd, mhc::entropic{}, logits);
    CHECK(error(plan, reference::exact(widen(logits), 33)) <= 40 * eps<double>);
    auto const gradient = project_one_vjp(mhc::simd, mhc::entropic{}, logits, plan, g);
    check_along_directions([](auto const& z) { return reference::exact(z, 33); }, logits, g, gradient, 3);
  }
}

TEST_CASE("entropic of order 257 is what characterises it", "[ops][project_matrix][entropic]") {
  check_characterisation(mhc::simd, 257, 1);
  check_characterisation(mhc::simd, 257, 4);
  check_characterisation(mhc::seq, 100, 4);
}

TEST_CASE("entropic: logits that are spread wide, and near a permutation", "[ops][project_matrix][entropic]") {
  check_characterisation(mhc::simd, 20, 10);
  for (int n : {4, 6, 40})
    for (double const sigma : {30., 100., 400.}) {
      auto const logits = gaussian<double>(n * n, sigma, 3);
      mhc::matrix_report report{};
      auto const plan = project_one(mhc::simd, mhc::entropic{}, logits, &report);
      CAPTURE(n, sigma, report.steps, report.error);
      CHECK(report.converged);
      CHECK(worst_line_sum(plan, static_cast<std::size_t>(n), 1) <= 2 * n * eps<double>);
    }
  for (unsigned seed = 1; seed <= 300; ++seed) {  // a column may have nothing but e⁻¹⁰⁰
    mhc::matrix_report report{};
    auto const plan = project_one(mhc::seq, mhc::entropic{}, gaussian<double>(16, 30, seed), &report);
    CAPTURE(seed, report.error);
    REQUIRE(report.converged);
    REQUIRE(worst_line_sum(plan, 4, 1) <= 16 * eps<double>);
  }
  array near_identity(50 * 50, -8);
  for (std::size_t i = 0; i < 50; ++i) near_identity[i * 51] = 0;
  for (std::size_t k = 0; k < near_identity.size(); ++k) near_identity[k] += gaussian<double>(2500, .1)[k];
  mhc::matrix_report report{};
  project_one(mhc::simd, mhc::entropic{}, near_identity, &report);
  CHECK(report.converged);
  CHECK(report.steps <= 12);
}

TEST_CASE("the gradient of groups that are hardly coupled is that of each", "[ops][project_matrix][entropic]") {
  for (double const coupling : {0., 1e-300, 1e-60, 1e-30, 1e-20}) {
    constexpr std::size_t n = 20, half = n / 2;
    array plan(n * n, coupling), g = gaussian<double>(n * n);
    std::vector<array> gradients;
    for (std::size_t part : {0u, 1u}) {
      auto const p = project_one(mhc::seq, mhc::entropic{}, gaussian<double>(half * half, 1, 3 + unsigned(part)));
      array part_of_g(half * half);
      for (std::size_t i = 0; i < half; ++i)
        for (std::size_t j = 0; j < half; ++j) {
          auto const at = (part * half + i) * n + part * half + j;
          plan[at] = p[i * half + j];
          part_of_g[i * half + j] = g[at];
        }
      gradients.push_back(project_one_vjp(mhc::seq, mhc::entropic{}, p, p, part_of_g));
    }
    auto const whole = project_one_vjp(mhc::seq, mhc::entropic{}, plan, plan, g);
    CAPTURE(coupling);
    for (std::size_t k = 0; k < n * n; ++k) {
      auto const part = k / n / half;
      bool const inside = k % n / half == part;
      auto const expected = inside ? gradients[part][(k / n % half) * half + k % n % half] : 0;
      REQUIRE(std::abs(whole[k] - expected) <= 40 * eps<double>);
    }
  }
}
