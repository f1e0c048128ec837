// SPDX-License-Identifier: MIT
#pragma once

// A family of residual mixing on whole batches, beside its reference.

#include "support/arrays.hpp"
#include "support/cases.hpp"
#include "support/family_reference.hpp"

#include <mhc/ops/project/project.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

namespace mhc::test {

template <class Case, class P>
inline constexpr int logits_in = logits_of<P, Case::n>;

template <class Case, class P>
std::vector<typename Case::value> random_logits(P const&, std::ptrdiff_t batch, double sigma, unsigned seed = 1) {
  return gaussian<typename Case::value>(batch * logits_in<Case, P>, sigma, seed);
}

template <class Case, class P, class T = typename Case::value>
std::vector<T> plans(P const& family, std::vector<T> const& logits, std::ptrdiff_t batch) {
  constexpr int N = Case::n, K = logits_in<Case, P>;
  guarded<T> const z(logits);
  guarded<T> plan(batch * N * N);
  mhc::project(typename Case::policy{}, family, vector_view<T const, K>{K > 0 ? z.data() : nullptr, batch},
               batch_view<T, N>{plan.data(), batch});
  return plan.values();
}

template <class Case, class P, class T = typename Case::value>
std::vector<T> vjps(P const& family, std::vector<T> const& logits, std::vector<T> const& plan_gradient,
                    std::ptrdiff_t batch) {
  constexpr int N = Case::n, K = logits_in<Case, P>;
  guarded<T> const z(logits), p(plans<Case>(family, logits, batch)), g(plan_gradient);
  guarded<T> result(batch * K);
  mhc::project_vjp(typename Case::policy{}, family, vector_view<T const, K>{K > 0 ? z.data() : nullptr, batch},
                   batch_view<T const, N>{p.data(), batch}, batch_view<T const, N>{g.data(), batch},
                   vector_view<T, K>{K > 0 ? result.data() : nullptr, batch});
  return result.values();
}

template <class Case, class P, class T = typename Case::value>
std::vector<T> jvps(P const& family, std::vector<T> const& logits, std::vector<T> const& tangent,
                    std::ptrdiff_t batch) {
  constexpr int N = Case::n, K = logits_in<Case, P>;
  guarded<T> const z(logits), p(plans<Case>(family, logits, batch)), d(tangent);
  guarded<T> result(batch * N * N);
  mhc::project_jvp(typename Case::policy{}, family, vector_view<T const, K>{K > 0 ? z.data() : nullptr, batch},
                   batch_view<T const, N>{p.data(), batch}, vector_view<T const, K>{K > 0 ? d.data() : nullptr, batch},
                   batch_view<T, N>{result.data(), batch});
  return result.values();
}

/// The reference, matrix by matrix, on the numbers that the library gets.
template <int N, class Reference, class T>
std::vector<long double> expected_plans(Reference const& map, std::vector<T> const& logits, std::ptrdiff_t batch) {
  auto const k = static_cast<std::ptrdiff_t>(logits.size()) / batch;
  std::vector<long double> plan;
  for (std::ptrdiff_t b = 0; b < batch; ++b) {
    auto const p = map(widen(logits, b * k, k), N);
    plan.insert(plan.end(), p.begin(), p.end());
  }
  return plan;
}

template <int N, class Reference, class T>
std::vector<long double> expected_vjps(Reference const& map, std::vector<T> const& logits,
                                       std::vector<T> const& plan_gradient, std::ptrdiff_t batch) {
  auto const k = static_cast<std::ptrdiff_t>(logits.size()) / batch;
  std::vector<long double> result;
  for (std::ptrdiff_t b = 0; b < batch; ++b) {
    auto const g = widen(plan_gradient, b * N * N, N * N);
    auto const loss = [&](auto const& in) { return reference::contraction(g, map(in[0], N)); };
    auto const d = reference::gradients(loss, {widen(logits, b * k, k)});
    result.insert(result.end(), d[0].begin(), d[0].end());
  }
  return result;
}

/// One complex step along the tangent.
template <int N, class Reference, class T>
std::vector<long double> expected_jvps(Reference const& map, std::vector<T> const& logits,
                                       std::vector<T> const& tangent, std::ptrdiff_t batch) {
  constexpr long double h = 1e-60L;
  auto const k = static_cast<std::ptrdiff_t>(logits.size()) / batch;
  std::vector<long double> result;
  for (std::ptrdiff_t b = 0; b < batch; ++b) {
    auto const z = widen(logits, b * k, k), d = widen(tangent, b * k, k);
    std::vector<reference::complex> step;
    for (std::size_t i = 0; i < z.size(); ++i) step.emplace_back(z[i], h * d[i]);
    for (auto const& p : map(step, N)) result.push_back(p.imag() / h);
  }
  return result;
}

/// max |row or column sum − 1| over the batch.
template <int N, class T>
long double worst_sum(std::vector<T> const& plan) {
  long double worst = 0;
  for (std::size_t p = 0; p < plan.size(); p += N * N)
    for (std::size_t i = 0; i < N; ++i) {
      long double row = -1, column = -1;
      for (std::size_t j = 0; j < N; ++j) {
        row += plan[p + i * N + j];
        column += plan[p + j * N + i];
      }
      worst = std::max({worst, std::abs(row), std::abs(column)});
    }
  return worst;
}

template <class T>
bool nonnegative(std::vector<T> const& plan) {
  return std::all_of(plan.begin(), plan.end(), [](T p) { return p >= 0; });
}

/// 3e-7 in float: the rounding of N entries that add up to 1, and of one correction of them.
template <class T>
inline constexpr T sum_tolerance = T(2.5) * eps<T>;

/// Rows and columns sum to 1 and no entry is negative, from tiny logits to huge ones.
template <class Case, class P, class T = typename Case::value>
void require_doubly_stochastic(P const& family, std::initializer_list<double> sigmas = {.01, 1, 3, 30, 1e6}) {
  for (double const sigma : sigmas) {
    CAPTURE(sigma, Case::n);
    auto const plan = plans<Case>(family, random_logits<Case>(family, 400, sigma), 400);
    REQUIRE(worst_sum<Case::n>(plan) <= sum_tolerance<T>);
    REQUIRE(nonnegative(plan));
  }
}

/// Values within `value` eps; vjp and jvp within `slope` eps of the largest derivative, in double no more than 1e-12.
template <class Case, class P, class Reference, class T = typename Case::value>
void require_reference(P const& family, Reference const& map, double sigma, long double value, long double slope,
                       std::ptrdiff_t batch = 9) {
  constexpr int N = Case::n;
  CAPTURE(sigma, N);
  auto const logits = random_logits<Case>(family, batch, sigma, 2);
  auto const tangent = random_logits<Case>(family, batch, 1, 3);
  auto const g = gaussian<T>(batch * N * N, 1, 4);
  CHECK(error(plans<Case>(family, logits, batch), expected_plans<N>(map, logits, batch)) <= value * eps<T>);
  auto const bound = std::is_same_v<T, double> ? std::min(slope * eps<T>, 1e-12L) : slope * eps<T>;
  CHECK(relative_error(vjps<Case>(family, logits, g, batch), expected_vjps<N>(map, logits, g, batch)) <= bound);
  CHECK(relative_error(jvps<Case>(family, logits, tangent, batch), expected_jvps<N>(map, logits, tangent, batch)) <=
        bound);
}

/// A matrix has the same bits alone, in any batch, and beside any neighbour; so have its derivatives.
template <class Case, class P, class T = typename Case::value>
void require_independent_lanes(P const& family, std::vector<double> const& sigmas = {1, 30}) {
  constexpr int N = Case::n, K = logits_in<Case, P>;
  std::ptrdiff_t const most = 3 * lane_count<T> + 1;
  auto logits = random_logits<Case>(family, most, 1);
  for (std::size_t k = 0; k < logits.size(); ++k)
    logits[k] *= T(sigmas[k / std::size_t(std::max(K, 1)) % sigmas.size()]);
  auto const tangent = random_logits<Case>(family, most, 1, 5);
  auto const g = gaussian<T>(most * N * N, 1, 6);
  auto const part = [](std::vector<T> const& a, std::ptrdiff_t first, std::ptrdiff_t count, int size) {
    return std::vector<T>(a.begin() + first * size, a.begin() + (first + count) * size);
  };
  auto const plan = plans<Case>(family, logits, most);
  auto const vjp = vjps<Case>(family, logits, g, most), jvp = jvps<Case>(family, logits, tangent, most);
  auto const require_same = [&](std::ptrdiff_t first, std::ptrdiff_t count) {
    auto const z = part(logits, first, count, K);
    REQUIRE(same_bits(plans<Case>(family, z, count), part(plan, first, count, N * N)));
    REQUIRE(same_bits(vjps<Case>(family, z, part(g, first, count, N * N), count), part(vjp, first, count, K)));
    REQUIRE(same_bits(jvps<Case>(family, z, part(tangent, first, count, K), count), part(jvp, first, count, N * N)));
  };
  for (std::ptrdiff_t const batch : batches<T>()) require_same(0, batch);
  for (std::ptrdiff_t b = 0; b < most; ++b) require_same(b, 1);
}

/// A NaN in one vector of logits makes that matrix NaN, and no other.
template <class Case, class P, class T = typename Case::value>
void require_nan_stays(P const& family) {
  constexpr int N = Case::n, K = logits_in<Case, P>;
  for (int poisoned = 0; poisoned < K; ++poisoned) {
    auto logits = random_logits<Case>(family, 3, 1);
    logits[static_cast<std::size_t>(K + poisoned)] = not_a_number<T>;
    auto const plan = plans<Case>(family, logits, 3);
    for (std::ptrdiff_t b = 0; b < 3; ++b) {
      std::vector<T> const one(plan.begin() + b * N * N, plan.begin() + (b + 1) * N * N);
      REQUIRE((b == 1 ? all_nan(one) : !any_nan(one)));
    }
  }
}

}  // namespace mhc::test
