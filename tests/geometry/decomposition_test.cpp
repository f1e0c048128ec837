// SPDX-License-Identifier: MIT
// Birkhoff–von Neumann decompositions: the published case, the laws, truncation, and both searches for a bottleneck.

#include "support/geometry.hpp"
#include "support/refusals.hpp"

#include <mhc/geometry/decomposition.hpp>

#include <algorithm>
#include <numeric>
#include <set>

using namespace mhc::test;

namespace {

std::vector<double> reconstructed(mhc::birkhoff_decomposition const& d) {
  std::vector<double> m(mhc::detail::at(d.order, d.order, 0), 7);
  mhc::reconstruct(d, view(m));
  return m;
}

void check_terms(mhc::birkhoff_decomposition const& d) {
  double sum = 0, last = infinity<double>;
  std::set<std::vector<int>> distinct;
  for (auto const& [weight, columns] : d.terms) {
    CHECK(weight > 0);
    CHECK(weight <= last * (1 + 1e-12));
    last = weight;
    sum += weight;
    distinct.insert(columns);
    auto sorted = columns;
    std::sort(sorted.begin(), sorted.end());
    for (std::size_t i = 0; i < sorted.size(); ++i) CHECK(sorted[i] == static_cast<int>(i));
  }
  CHECK(sum == approx(1).epsilon(1e-14));
  CHECK(distinct.size() == d.terms.size());
  CHECK(static_cast<int>(d.terms.size()) <= (d.order - 1) * (d.order - 1) + 1);
}

/// Sparse points, on faces of the polytope: a few permutations with weights in eighths, or a full one.
std::vector<double> on_a_face(int n, unsigned seed) {
  std::vector<double> m(mhc::detail::at(n, n, 0));
  std::vector<int> p(static_cast<std::size_t>(n));
  std::iota(p.begin(), p.end(), 0);
  std::mt19937 engine{seed};
  for (int term = 0; term < 4; ++term) {
    for (std::size_t k = p.size(); k > 1; --k) std::swap(p[k - 1], p[engine() % k]);
    for (int i = 0; i < n; ++i) m[mhc::detail::at(n, i, p[static_cast<std::size_t>(i)])] += term < 2 ? .375 : .125;
  }
  return m;
}

double best_bottleneck(std::vector<double> const& a) {
  int const n = order_of(a);
  return mhc::detail::smallest_selected(n, a, mhc::detail::bottleneck_by_enumeration(n, a));
}

}  // namespace

TEST_CASE("the published 4 x 4 case decomposes with weights 1/3, 1/3, 1/6, 1/6",
          "[geometry][decomposition][published]") {
  std::vector<double> p{1, 4, 0, 1, 2, 1, 3, 0, 2, 1, 1, 2, 1, 0, 2, 3};
  for (auto& x : p) x /= 6;
  auto const d = mhc::decompose(view(p));
  REQUIRE(d.terms.size() == 4);
  double const expected[] = {1. / 3, 1. / 3, 1. / 6, 1. / 6};
  for (std::size_t k = 0; k < 4; ++k) CHECK(d.terms[k].weight == approx(expected[k]).epsilon(1e-14));
  CHECK(d.terms[0].columns == std::vector<int>{1, 0, 3, 2});
  CHECK(error(reconstructed(d), p) <= 4 * eps<double>);
  CHECK(std::abs(d.remainder) <= 4 * eps<double>);
}

TEST_CASE("decompose and reconstruct undo each other, within (n−1)² + 1 terms", "[geometry][decomposition][law]") {
  for (int n = 1; n <= 9; ++n)
    for (unsigned seed = 1; seed <= 4; ++seed)
      for (auto const& p : {random_plan(n, 1, seed), random_plan(n, 4, seed), on_a_face(n, seed)}) {
        CAPTURE(n, seed);
        auto const d = mhc::decompose(view(p));
        check_terms(d);
        double const zero = mhc::detail::rounding_tolerance<double>(n);
        CHECK(std::abs(d.remainder) <= ((n + 1) * (n + 1) / 4 + 1) * zero);
        CHECK(error(reconstructed(d), p) <= ((n + 1) * (n + 1) / 4 + 2) * zero);
      }
}

TEST_CASE("vertices and the centre", "[geometry][decomposition]") {
  auto const vertex = mhc::decompose(view(std::vector<double>{0, 1, 0, 0, 0, 1, 1, 0, 0}));
  REQUIRE(vertex.terms.size() == 1);
  CHECK(vertex.terms[0].columns == std::vector<int>{1, 2, 0});
  CHECK(vertex.terms[0].weight == 1);
  for (int n : {2, 4, 6}) {
    auto const centre = mhc::decompose(view(std::vector<double>(mhc::detail::at(n, n, 0), 1. / n)));
    CHECK(centre.terms.size() == static_cast<std::size_t>(n));  // n disjoint permutations
    for (auto const& term : centre.terms) CHECK(term.weight == approx(1. / n).epsilon(1e-14));
  }
}

TEST_CASE("truncated: the leading terms, scaled to a doubly stochastic matrix", "[geometry][decomposition]") {
  auto const p = random_plan(5, 2, 3);
  auto const all = mhc::decompose(view(p));
  double kept = 0;
  for (int terms = 1; terms <= static_cast<int>(all.terms.size()); ++terms) {
    auto const some = mhc::decompose(view(p), {.max_terms = terms});
    REQUIRE(static_cast<int>(some.terms.size()) == terms);
    check_terms(some);
    kept += all.terms[static_cast<std::size_t>(terms - 1)].weight;
    CHECK(1 - some.remainder == approx(kept).epsilon(1e-12));
    CHECK(some.terms.back().columns == all.terms[static_cast<std::size_t>(terms - 1)].columns);
    CHECK(error(reconstructed(some), p) <= 2 * std::abs(some.remainder) + 1e-14);
    CHECK(mhc::in_polytope(view(reconstructed(some))));
  }
}

TEST_CASE("a plan that is not quite doubly stochastic needs a tolerance", "[geometry][decomposition]") {
  auto p = random_plan(4, 1, 5);
  for (std::size_t j = 0; j < 4; ++j) p[j] *= 1.001;
  CHECK_THROWS_AS(mhc::decompose(view(p)), mhc::membership_error);
  auto const d = mhc::decompose(view(p), {.tolerance = 2e-3});
  check_terms(d);
  CHECK(error(reconstructed(d), p) <= 7 * 2e-3);
  CHECK(std::abs(d.remainder) <= 7 * 2e-3);
}

TEST_CASE("float plans, with float's rounding", "[geometry][decomposition]") {
  for (int n : {3, 4, 6}) {
    auto const p = random_plan<float>(n, 2, 1);
    auto const d = mhc::decompose(view(p));
    check_terms(d);
    CHECK(error(reconstructed(d), p) <= ((n + 1) * (n + 1) / 4 + 2) * mhc::detail::rounding_tolerance<float>(n));
  }
}

TEST_CASE("bottleneck_permutation: matching finds what enumeration finds, ties included", "[geometry][decomposition]") {
  for (int n = 1; n <= 7; ++n)
    for (unsigned seed = 1; seed <= (n == 7 ? 10u : 60u); ++seed) {
      auto a = gaussian<double>(n * n, 2, seed);
      if (seed % 2 == 0)
        for (auto& x : a) x = std::floor(x);
      CAPTURE(n, seed);
      REQUIRE(mhc::detail::bottleneck_by_matching(n, a) == mhc::detail::bottleneck_by_enumeration(n, a));
      REQUIRE(mhc::bottleneck_permutation(view(a)) == mhc::detail::bottleneck_by_enumeration(n, a));
    }
}

TEST_CASE("Marcus and Ree: the bottleneck is at least 1/⌊(n+1)²/4⌋, and that is sharp",
          "[geometry][decomposition][law]") {
  for (int n = 1; n <= 7; ++n) {
    double const bound = 1.0 / ((n + 1) * (n + 1) / 4);
    for (unsigned seed = 1; seed <= 10; ++seed)
      for (auto const& p : {random_plan(n, 1, seed), random_plan(n, 5, seed), on_a_face(n, seed)})
        CHECK(best_bottleneck(p) >= bound - 1e-15);
    // r rows and s = n + 1 − r columns share a block of entries 1/(rs); the other s − 1 rows and r − 1 columns take the
    // rest
    int const r = (n + 1) / 2, s = n + 1 - r;
    std::vector<double> m(mhc::detail::at(n, n, 0));
    for (int i = 0; i < n; ++i)
      for (int j = 0; j < n; ++j)
        m[mhc::detail::at(n, i, j)] = i < r ? (j < s ? 1.0 / (r * s) : 1.0 / r) : (j < s ? 1.0 / s : 0);
    REQUIRE(mhc::in_polytope(view(m)));
    CHECK(best_bottleneck(m) == approx(bound).epsilon(1e-14));
  }
}

TEST_CASE("decompose refuses what is no plan and no option", "[geometry][decomposition][refusal]") {
  std::vector<double> const p(16, .25), negative{1.5, -.5, -.5, 1.5};
  CHECK_THROWS_WITH(mhc::decompose(view(negative)),
                    "mhc::decompose: plan: entry (0, 1) is -0.5 (expected 0 or more, tolerance 1.77635684e-15)");
  auto const says = [](auto&& f, char const* text) { CHECK_THAT(refusal(f), contains(text)); };
  says([&] { mhc::decompose(view(p), {.max_terms = -1}); },
       "option: mhc::decompose: max_terms is -1, expected 0 or more");
  says([&] { mhc::decompose(view(p), {.tolerance = -1}); },
       "option: mhc::decompose: tolerance is -1, expected 0 or more");
  says([&] { mhc::decompose(view(p), {.tolerance = .05}); },
       "option: mhc::decompose: tolerance is 0.05, expected less than 1/(n(n + 2)) = 0.0416666667");
  says([&] { mhc::bottleneck_permutation(mhc::matrix_view<double const>{nullptr, 3}); },
       "mhc::bottleneck_permutation: matrix is null");
  CHECK_THROWS_AS(mhc::bottleneck_permutation(view(std::vector<double>{not_a_number<double>})), mhc::membership_error);
  std::vector<double> small(4, 7);
  says([&] { mhc::reconstruct(mhc::decompose(view(p)), view(small)); },
       "mhc::reconstruct: plan has order 2, expected 4");
  CHECK(small == std::vector<double>(4, 7));
}
