// SPDX-License-Identifier: MIT
// One matrix of any order is what a batch of one matrix is.

#include "support/project_matrix.hpp"

using namespace mhc::test;

namespace {

// The batch computes in T with sums of N terms over 20 iterations; the truncated iteration forgets about half of that.
template <class T, class P>
void compare_with_batches(P const& projection) {
  for (double const sigma : {.5, 2.}) {
    compare_with_batch<1, T>(projection, sigma, 60, 2000);
    compare_with_batch<2, T>(projection, sigma, 60, 2000);
    compare_with_batch<5, T>(projection, sigma, 60, 2000);
  }
}

}  // namespace

TEMPLATE_TEST_CASE("one matrix is what a batch of one is", "[ops][project_matrix]", double, float) {
  using namespace mhc;
  compare_with_batches<TestType>(sinkhorn<>{});
  compare_with_batches<TestType>(sinkhorn<>{.gradient = gradient::implicit});
}

TEST_CASE("in potentials, where logits are spread wide", "[ops][project_matrix]") {
  compare_with_batch<5, double>(mhc::sinkhorn<>{}, 50, 4000, 40000);
  auto const logits = gaussian<double>(25, 300);
  std::vector<double> plan(25);
  mhc::project(mhc::seq, mhc::sinkhorn<>{}, mhc::batch_view<double const, 5>{logits.data(), 1},
               mhc::batch_view<double, 5>{plan.data(), 1});
  CHECK(error(project_one(mhc::simd, mhc::sinkhorn<>{}, logits), plan) <= 4000 * eps<double>);
}

TEST_CASE("gradient::automatic is implicit where the plan is doubly stochastic, else unrolled",
          "[ops][project_matrix]") {
  using namespace mhc;
  for (double const sigma : {.1, 5.}) {
    auto const logits = gaussian<double>(49, sigma), g = gaussian<double>(49, 1, 2);
    auto const with = [&](gradient kind) {
      sinkhorn<> const projection{.gradient = kind};
      return project_one_vjp(seq, projection, logits, project_one(seq, projection, logits), g);
    };
    CHECK(same_bits(with(gradient::automatic), with(sigma < 1 ? gradient::implicit : gradient::unrolled)));
  }
}

TEST_CASE("the report of sinkhorn is the marginal error of its plan", "[ops][project_matrix]") {
  for (double const sigma : {.1, 3.}) {
    auto const logits = gaussian<double>(81, sigma);
    mhc::matrix_report report{};
    auto const plan = project_one(mhc::seq, mhc::sinkhorn<>{.iterations = 15}, logits, &report);
    long double worst = 0;
    for (std::size_t i = 0; i < 9; ++i) {
      long double row = -1, column = -1;
      for (std::size_t j = 0; j < 9; ++j) row += plan[i * 9 + j], column += plan[j * 9 + i];
      worst = std::max({worst, std::abs(row), std::abs(column)});
    }
    CHECK(std::abs(report.error - worst) <= 9 * eps<double>);
    CHECK(report.steps == 15);
    CHECK(report.converged == (sigma < 1));
  }
}
