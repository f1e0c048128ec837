// SPDX-License-Identifier: MIT
// Sinkhorn on large matrices against long double; threads; n = 2000.

#include "support/project_matrix.hpp"

#include <mhc/projections/entropic.hpp>

using namespace mhc::test;

namespace {

template <class P>
void check_gradient(P const& projection, int n, double sigma, int directions) {
  auto const size = static_cast<std::ptrdiff_t>(n) * n;
  auto const logits = gaussian<double>(size, sigma, 7), g = gaussian<double>(size, 1, 8);
  auto const plan = project_one(mhc::simd, projection, logits);
  CAPTURE(n, sigma);
  check_along_directions(
      [&](auto const& z) { return reference::sinkhorn(z, static_cast<std::size_t>(n), projection.iterations); }, logits,
      g, project_one_vjp(mhc::simd, projection, logits, plan, g), directions);
}

}  // namespace

TEMPLATE_TEST_CASE("sinkhorn of orders up to 257 agrees with long double", "[ops][project_matrix]", double, float) {
  for (int n : {15, 16, 17, 33, 257})
    for (double const sigma : {1., 4.}) {
      auto const logits = gaussian<TestType>(static_cast<std::ptrdiff_t>(n) * n, sigma, 3);
      auto const expected = reference::sinkhorn(widen(logits), static_cast<std::size_t>(n), 12);
      mhc::sinkhorn<> const projection{.iterations = 12};
      CAPTURE(n, sigma);
      // computed in double: in float only the result is rounded
      double const bound = std::is_same_v<TestType, float> ? .5 : 200;
      CHECK(error(project_one(mhc::simd, projection, logits), expected) <= bound * eps<TestType>);
      CHECK(error(project_one(mhc::seq, projection, logits), expected) <= bound * eps<TestType>);
    }
}

TEST_CASE("the unrolled gradient agrees with the complex step", "[ops][project_matrix][gradient]") {
  for (int n : {15, 16, 17, 33}) check_gradient(mhc::sinkhorn<>{.iterations = 12}, n, 2, 3);
  check_gradient(mhc::sinkhorn<>{.iterations = 5}, 257, 3, 1);
}

TEST_CASE("potentials agree with long double where exp would lose lines", "[ops][project_matrix]") {
  int const n = 60;
  auto const logits = gaussian<double>(n * n, 200, 3);  // spread over about 1400 nats
  auto const plan = project_one(mhc::simd, mhc::sinkhorn<>{.iterations = 8}, logits);
  auto const expected = reference::sinkhorn(widen(logits), n, 8);
  CHECK(error(plan, expected) <= 4000 * eps<double>);  // logits of size 800, a few of which are added
  check_gradient(mhc::sinkhorn<>{.iterations = 4}, 40, 200, 2);
}

TEST_CASE("the same bits for any number of threads", "[ops][project_matrix][threads]") {
  auto const check = [](auto const& projection, int n, double sigma) {
    auto const size = static_cast<std::ptrdiff_t>(n) * n;
    auto const logits = gaussian<double>(size, sigma, 4), g = gaussian<double>(size, 1, 5);
    auto const plan = project_one(mhc::simd, projection, logits);
    auto const gradient = project_one_vjp(mhc::simd, projection, logits, plan, g);
    for (int const threads : {2, 3, 0}) {
      auto const policy = mhc::simd.with_threads(threads);
      CAPTURE(n, threads);
      CHECK(same_bits(project_one(policy, projection, logits), plan));
      CHECK(same_bits(project_one_vjp(policy, projection, logits, plan, g), gradient));
    }
  };
  check(mhc::sinkhorn<>{.iterations = 6}, 131, 2);
  check(mhc::sinkhorn<>{.iterations = 6}, 100, 300);
  check(mhc::entropic{}, 131, 4);
}

TEST_CASE("a matrix of order 2000", "[ops][project_matrix]") {
  int const n = 2000;
  auto const logits = gaussian<float>(n * n, 1, 3), g = gaussian<float>(n * n, 1, 4);
  auto const policy = mhc::simd.with_threads(0);
  mhc::matrix_report report{};
  auto const plan = project_one(policy, mhc::entropic{}, logits, &report);
  CHECK(report.converged);
  CHECK(report.error <= n * eps<double>);
  auto const gradient = project_one_vjp(policy, mhc::entropic{}, logits, plan, g);
  auto const truncated = project_one_vjp(policy, mhc::sinkhorn<>{}, logits, plan, g);
  CHECK(relative_error(truncated, gradient) <= 4 * eps<float>);  // 20 iterations have converged
}
