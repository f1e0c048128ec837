// SPDX-License-Identifier: MIT
// What float loses, against long double: the gradient of a given plan, and projection and gradient in one.

#include "support/project.hpp"

#include <limits>
#include <utility>

using namespace mhc::test;

namespace {

/// In long double; order 2 in closed form, ±(G_00 − G_01 − G_10 + G_11) / Σ 1/P_ij, because the dense system loses it.
std::vector<long double> implicit_gradient(std::vector<long double> const& p, std::vector<long double> const& g,
                                           std::size_t n) {
  if (n != 2) return reference::implicit_derivative(p, g, n);
  auto const t = (g[0] - g[1] - g[2] + g[3]) / (1 / p[0] + 1 / p[1] + 1 / p[2] + 1 / p[3]);
  return {t, -t, -t, t};
}

template <int N>
std::vector<float> rounded_exact_plans(std::vector<float> const& logits) {
  auto const exact = expected_plan<N>({0}, logits);
  return {exact.begin(), exact.end()};
}

template <int N>
std::vector<float> gradients_of(std::vector<float> const& logits, std::vector<float> const& plan,
                                std::vector<float> const& g) {
  auto const batch = matrices<float, N>(logits);
  std::vector<float> result(logits.size());
  mhc::project_vjp(mhc::simd, mhc::entropic{}, mhc::vector_view<float const, N * N>{logits.data(), batch},
                   mhc::batch_view<float const, N>{plan.data(), batch}, {g.data(), batch}, {result.data(), batch});
  return result;
}

struct worst {
  long double absolute = 0, relative = 0;
};

/// Of every matrix, relative to the largest entry of its own gradient.
template <int N>
worst compare(std::vector<float> const& actual, std::vector<float> const& g, std::vector<long double> const& plan) {
  worst w;
  for (std::ptrdiff_t b = 0; b < matrices<float, N>(actual); ++b) {
    auto const at = [&](auto const& a) { return widen(a, b * N * N, N * N); };
    auto const expected = implicit_gradient(at(plan), at(g), N);
    w.absolute = std::max(w.absolute, error(at(actual), expected));
    w.relative = std::max(w.relative, relative_error(at(actual), expected));
  }
  return w;
}

template <int N>
worst of_given_plans(double sigma, std::ptrdiff_t count) {
  auto const logits = gaussian<float>(count * N * N, sigma, 7), g = gaussian<float>(count * N * N, 1, 8);
  auto const plan = rounded_exact_plans<N>(logits);
  return compare<N>(gradients_of<N>(logits, plan, g), g, widen(plan));
}

template <int N>
worst end_to_end(double sigma, std::ptrdiff_t count) {
  using one = test_case<mhc::simd_t, float, N>;
  auto const logits = gaussian<float>(count * N * N, sigma, 7), g = gaussian<float>(count * N * N, 1, 8);
  auto const gradient = gradients_of<N>(logits, project<one>(mhc::entropic{}, logits), g);
  return compare<N>(gradient, g, expected_plan<N>({0}, logits));
}

/// How many matrices float left to double, and how many of those failed there as well.
template <int N>
std::pair<std::ptrdiff_t, std::ptrdiff_t> unresolved(double sigma) {
  using one = test_case<mhc::simd_t, float, N>;
  constexpr std::ptrdiff_t batch = 500;
  auto const logits = gaussian<float>(batch * N * N, sigma);
  std::vector<float> plan(logits.size()), report(batch * 3);
  mhc::project(mhc::simd, mhc::entropic{}, mhc::vector_view<float const, N * N>{logits.data(), batch},
               mhc::batch_view<float, N>{plan.data(), batch}, {report.data(), batch});
  REQUIRE(same_bits(plan, project<one>(mhc::entropic{}, logits)));
  REQUIRE(!any_nan(plan));
  std::ptrdiff_t promoted = 0, failed = 0;
  for (std::size_t b = 0; b < std::size_t(batch); ++b) {
    bool const converged = report[3 * b + mhc::report_converged] == 1;
    if (converged) REQUIRE(report[3 * b + mhc::report_error] <= 2 * N * eps<float>);
    if (report[3 * b + mhc::report_error] > 1e-3f) REQUIRE(!converged);
    failed += !converged;
    promoted += report[3 * b + mhc::report_steps] > 200;  // the limit in float, and what double took
  }
  return {promoted, failed};
}

}  // namespace

TEST_CASE("the gradient of a given plan at σ = 10 in float", "[projections][entropic][gradient][accuracy]") {
  // where published solvers lose 1 to 16 % of the matrices altogether
  REQUIRE(of_given_plans<2>(10, 2000).relative <= 1e-4L);
  REQUIRE(of_given_plans<3>(10, 4000).relative <= 1e-4L);
  REQUIRE(of_given_plans<4>(10, 10000).relative <= 1e-4L);
  REQUIRE(of_given_plans<8>(10, 400).relative <= 1e-4L);
}

TEST_CASE("from float logits to the float gradient", "[projections][entropic][gradient][accuracy]") {
  REQUIRE(end_to_end<2>(10, 2000).absolute <= 1e-6L);
  REQUIRE(end_to_end<3>(10, 2000).absolute <= 1e-6L);
  REQUIRE(end_to_end<4>(10, 10000).absolute <= 1e-6L);
  REQUIRE(end_to_end<8>(10, 400).absolute <= 1e-6L);
  auto const narrow = end_to_end<4>(3, 10000);
  REQUIRE(narrow.absolute <= 1e-6L);
  REQUIRE(narrow.relative <= 2e-5L);
}

TEST_CASE("groups of columns that are hardly coupled keep the digits of their gradient",
          "[projections][entropic][gradient][accuracy]") {
  // two groups joined by 1e-12: the sum of what flows into a group, divided by that, would be all rounding error
  constexpr std::size_t n = 6;
  std::vector<float> p(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) p[i * n + j] = (i / 3 == j / 3) ? (i == j ? .5f : .25f) : 1e-12f;
  auto const g = gaussian<float>(n * n);
  auto const w = compare<6>(gradients_of<6>(p, p, g), g, widen(p));
  REQUIRE(w.relative <= 16 * eps<float>);
}

TEST_CASE("at σ = 100 rows and columns of the gradient still sum to 0", "[projections][entropic][gradient][accuracy]") {
  using one = test_case<mhc::simd_t, float, 8>;
  constexpr std::ptrdiff_t batch = 4000;
  auto const logits = gaussian<float>(batch * 64, 100), g = gaussian<float>(batch * 64, 1, 2);
  auto const d = gradients_of<8>(logits, project<one>(mhc::entropic{}, logits), g);
  long double most = 0;
  for (std::ptrdiff_t b = 0; b < batch; ++b)
    for (int i = 0; i < 8; ++i)
      most = std::max({most, std::abs(row_sum<8>(d, b, i)), std::abs(column_sum<8>(d, b, i))});
  REQUIRE(most <= 16 * 8 * eps<float>);
}

TEST_CASE("however far logits are apart, a float plan of order 4 keeps its digits",
          "[projections][entropic][accuracy]") {
  using one = test_case<mhc::simd_t, float, 4>;
  for (double const sigma : {1., 10., 100., 1e4}) {
    auto const logits = gaussian<float>(500 * 16, sigma, 5);
    CAPTURE(sigma);
    REQUIRE(error(widen(project<one>(mhc::entropic{}, logits)), expected_plan<4>({0}, logits)) <= 8 * eps<float>);
  }
  // Where the potentials took digits one matrix in a thousand showed it, and the reference does not converge at 1e5: double.
  for (double const sigma : {100., 1e4, 1e6}) {
    auto const logits = gaussian<float>(20000 * 16, sigma, 5);
    auto const expected = project<test_case<mhc::simd_t, double, 4>>(mhc::entropic{}, {logits.begin(), logits.end()});
    CAPTURE(sigma);
    REQUIRE(error(widen(project<one>(mhc::entropic{}, logits)), widen(expected)) <= 8 * eps<float>);
  }
}

TEST_CASE("a large negative number masks as minus infinity does", "[projections][entropic][mask][accuracy]") {
  using one = test_case<mhc::simd_t, float, 4>;
  constexpr std::size_t batch = 40;
  for (std::size_t const size : {1u, 2u})  // of the first piece
    for (float const low : {-1e4f, -1e6f, -1e9f, -1e30f, -std::numeric_limits<float>::max()}) {
      auto finite = gaussian<float>(batch * 16, 1, 7), infinite = finite;
      for (std::size_t k = 0; k < batch * 16; ++k) {
        if ((k / 4 % 4 < size) == (k % 4 < size)) continue;
        finite[k] = low;
        infinite[k] = -std::numeric_limits<float>::infinity();
      }
      CAPTURE(size, low);
      REQUIRE(error(widen(project<one>(mhc::entropic{}, finite)), widen(project<one>(mhc::entropic{}, infinite))) <=
              16 * eps<float>);
    }
}

TEST_CASE("float promotes to double what it cannot resolve, and says so when that fails too",
          "[projections][entropic][report]") {
  std::pair<std::ptrdiff_t, std::ptrdiff_t> const none(0, 0);
  REQUIRE(unresolved<4>(10) == none);
  REQUIRE(unresolved<4>(1e6) == none);
  REQUIRE(unresolved<3>(1000) == none);
  auto const wide = unresolved<3>(1e4), widest = unresolved<3>(1e6);
  REQUIRE(wide.first > 0);
  REQUIRE(wide.second == 0);
  REQUIRE(widest.second > 0);
}
