// SPDX-License-Identifier: MIT
// The Frobenius-nearest doubly stochastic matrix of any order: against the batch's, and by its optimality conditions,
// P = max(0, X + a⊕b) with unit sums, which no other matrix satisfies.

#include "support/project_matrix.hpp"

#include <mhc/projections/euclidean.hpp>

using namespace mhc::test;

namespace {

using array = std::vector<double>;

/// How far P − X is from an a⊕b where P > 0. a and b are found by walking from row to column to row.
long double optimality_error(array const& p, array const& x, std::size_t n) {
  std::vector<long double> a(n, not_a_number<long double>), b(n, not_a_number<long double>);
  long double worst = 0;
  for (std::size_t start = 0; start < n; ++start) {  // each connected piece has a gauge of its own
    if (!std::isnan(a[start])) continue;
    a[start] = 0;
    for (bool found = true; found;) {
      found = false;
      for (std::size_t i = 0; i < n; ++i)
        for (std::size_t j = 0; j < n; ++j) {
          if (!(p[i * n + j] > 0) || std::isnan(a[i]) == std::isnan(b[j])) continue;
          if (std::isnan(a[i])) a[i] = static_cast<long double>(p[i * n + j]) - x[i * n + j] - b[j];
          if (std::isnan(b[j])) b[j] = static_cast<long double>(p[i * n + j]) - x[i * n + j] - a[i];
          found = true;
        }
    }
  }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j)
      if (p[i * n + j] > 0) worst = std::max(worst, std::abs(p[i * n + j] - x[i * n + j] - a[i] - b[j]));
  return worst;
}

/// ‖X − Q‖² grows on the way to other doubly stochastic matrices: ⟨P − X, Q − P⟩ ≥ 0 for every Q.
void check_nearest(array const& p, array const& x, int n) {
  auto const size = static_cast<std::size_t>(n);
  for (unsigned seed = 1; seed <= 10; ++seed) {
    auto const order = gaussian<double>(n, 1, seed);  // the permutation that sorts them
    std::vector<std::size_t> rank(size);
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t k = 0; k < size; ++k) rank[i] += order[k] < order[i];
    long double product = 0;
    for (std::size_t i = 0; i < size; ++i)
      for (std::size_t j = 0; j < size; ++j)
        product += (static_cast<long double>(p[i * size + j]) - x[i * size + j]) *
                   ((rank[i] == j ? 1 : 0) - static_cast<long double>(p[i * size + j]));
    CHECK(product >= -1e-10L * n);
  }
}

void check_conditions(int n, double sigma) {
  auto const size = static_cast<std::size_t>(n);
  auto const x = gaussian<double>(n * n, sigma, 3), g = gaussian<double>(n * n, 1, 4);
  mhc::matrix_report report{};
  auto const p = project_one(mhc::simd, mhc::euclidean{}, x, &report);
  CAPTURE(n, sigma, report.steps, report.error);
  CHECK(report.converged);
  CHECK(worst_line_sum(p, size, 1) <= 4 * n * eps<double>);
  CHECK(*std::min_element(p.begin(), p.end()) == 0);
  CHECK(optimality_error(p, x, size) <= 40 * report.steps * (sigma + 1) * n * eps<double>);
  check_nearest(p, x, n);
  auto const gradient = project_one_vjp(mhc::simd, mhc::euclidean{}, x, p, g);
  CHECK(worst_line_sum(gradient, size, 0) <= 1e-11);
  for (std::size_t k = 0; k < p.size(); ++k)
    if (p[k] == 0) REQUIRE(gradient[k] == 0);
  // Ω∘(G − α⊕β): G less the gradient is a⊕b on the pattern, as P − X is
  array rest(g);
  for (std::size_t k = 0; k < rest.size(); ++k) rest[k] = gradient[k] - g[k];
  array pattern(p), zero(p.size());
  for (std::size_t k = 0; k < p.size(); ++k) pattern[k] = p[k] > 0 ? 1 : 0, zero[k] = pattern[k] - rest[k];
  CHECK(optimality_error(pattern, zero, size) <= 1e-10L);
}

}  // namespace

TEST_CASE("euclidean: one matrix is what a batch of one is", "[ops][project_matrix][euclidean]") {
  for (double const sigma : {.2, 3.}) {
    compare_with_batch<1, double>(mhc::euclidean{}, sigma, 60, 400);
    compare_with_batch<3, double>(mhc::euclidean{}, sigma, 60, 400);
    compare_with_batch<6, double>(mhc::euclidean{}, sigma, 60, 400);
  }
}

TEST_CASE("euclidean of large orders is optimal", "[ops][project_matrix][euclidean]") {
  check_conditions(33, .3);
  check_conditions(33, 5);
  check_conditions(120, 1);
}

TEST_CASE("euclidean: fixed points, NaN and threads", "[ops][project_matrix][euclidean]") {
  array const published{.6, .4, .4, .6};  // jaxopt
  CHECK(error(project_one(mhc::simd, mhc::euclidean{}, published), published) <= 2 * eps<double>);
  auto x = gaussian<double>(100 * 100);
  auto const p = project_one(mhc::simd, mhc::euclidean{}, x);
  CHECK(error(project_one(mhc::simd, mhc::euclidean{}, p), p) <= 200 * eps<double>);
  CHECK(same_bits(project_one(mhc::simd.with_threads(3), mhc::euclidean{}, x), p));
  CHECK(error(project_one(mhc::seq, mhc::euclidean{}, x), p) <= 4000 * eps<double>);
  for (double const bad : {not_a_number<double>, infinity<double>}) {
    x[75] = bad;
    mhc::matrix_report report{};
    CHECK(all_nan(project_one(mhc::simd, mhc::euclidean{}, x, &report)));
    CHECK((std::isnan(report.error) && !report.converged));
  }
}
