// SPDX-License-Identifier: MIT
#pragma once

// One matrix of any order through the operations, between guards, with a workspace full of NaN.

#include "support/arrays.hpp"
#include "support/reference.hpp"

#include <mhc/ops/project/project.hpp>
#include <mhc/ops/project_matrix/project_matrix.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

namespace mhc::test {

template <class T>
int order_of_square(std::vector<T> const& m) {
  return static_cast<int>(std::lround(std::sqrt(static_cast<double>(m.size()))));
}

template <class Policy, class P, class T>
std::vector<T> project_one(Policy const& policy, P const& projection, std::vector<T> const& logits,
                           mhc::matrix_report* report = nullptr) {
  int const n = order_of_square(logits);
  using W = mhc::detail::working_t<T>;
  guarded<T> const z(logits);
  guarded<T> plan(z.size());
  guarded<W> workspace(project_workspace_size(projection, n));
  auto const found = mhc::project(policy, projection, matrix_view<T const>{z.data(), n}, matrix_view<T>{plan.data(), n},
                                  std::span<W>(workspace.data(), static_cast<std::size_t>(workspace.size())));
  if (report != nullptr) *report = found;
  return plan.values();
}

template <class Policy, class P, class T>
std::vector<T> project_one_vjp(Policy const& policy, P const& projection, std::vector<T> const& logits,
                               std::vector<T> const& plan, std::vector<T> const& plan_gradient) {
  int const n = order_of_square(logits);
  using W = mhc::detail::working_t<T>;
  guarded<T> const z(logits), p(plan), g(plan_gradient);
  guarded<T> gradient(z.size());
  guarded<W> workspace(project_vjp_workspace_size(projection, n));
  mhc::project_vjp(policy, projection, matrix_view<T const>{z.data(), n}, matrix_view<T const>{p.data(), n},
                   matrix_view<T const>{g.data(), n}, matrix_view<T>{gradient.data(), n},
                   std::span<W>(workspace.data(), static_cast<std::size_t>(workspace.size())));
  return gradient.values();
}

/// max |row or column sum − expected|.
inline long double worst_line_sum(std::vector<double> const& m, std::size_t n, long double expected) {
  long double worst = 0;
  for (std::size_t i = 0; i < n; ++i) {
    long double row = -expected, column = -expected;
    for (std::size_t j = 0; j < n; ++j) row += m[i * n + j], column += m[j * n + i];
    worst = std::max({worst, std::abs(row), std::abs(column)});
  }
  return worst;
}

/// Σ gradient·d against d/dt Σ g·map(logits + t·d) by one complex step, along random directions d.
template <class Map>
void check_along_directions(Map const& map, std::vector<double> const& logits, std::vector<double> const& g,
                            std::vector<double> const& gradient, int directions) {
  constexpr long double h = 1e-60L;
  for (unsigned seed = 0; seed < static_cast<unsigned>(directions); ++seed) {
    auto const direction = gaussian<double>(static_cast<std::ptrdiff_t>(logits.size()), 1, seed + 20);
    std::vector<reference::complex> z;
    long double actual = 0, expected = 0;
    for (std::size_t k = 0; k < logits.size(); ++k) {
      z.emplace_back(logits[k], h * direction[k]);
      actual += static_cast<long double>(gradient[k]) * direction[k];
    }
    auto const p = map(z);
    for (std::size_t k = 0; k < p.size(); ++k) expected += g[k] * p[k].imag() / h;
    CAPTURE(seed);
    CHECK(std::abs(actual - expected) <= 1e-12L * std::max(1.0L, std::abs(expected)));
  }
}

/// Values within `value` eps and gradients within `slope` eps of the largest, of the batch's on the same numbers.
template <int N, class T, class P>
void compare_with_batch(P const& projection, double sigma, double value, double slope) {
  auto const logits = gaussian<T>(N * N, sigma, N), g = gaussian<T>(N * N, 1, N + 50);
  std::vector<T> plan(N * N), gradient(N * N);
  using batch = batch_view<T, N>;
  using constant = batch_view<T const, N>;
  mhc::project(seq, projection, constant{logits.data(), 1}, batch{plan.data(), 1});
  mhc::project_vjp(seq, projection, constant{logits.data(), 1}, constant{plan.data(), 1}, constant{g.data(), 1},
                   batch{gradient.data(), 1});
  CAPTURE(N, sigma);
  auto const compare = [&](auto const& policy) {
    CHECK(error(project_one(policy, projection, logits), plan) <= value * eps<T>);
    CHECK(relative_error(project_one_vjp(policy, projection, logits, plan, g), gradient) <= slope * eps<T>);
  };
  compare(seq);
  compare(simd);
}

}  // namespace mhc::test
