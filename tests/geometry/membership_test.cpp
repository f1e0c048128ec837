// SPDX-License-Identifier: MIT
// Which matrices belong to the polytope and to its interior, and what is said about those that do not.

#include "support/geometry.hpp"
#include "support/refusals.hpp"

#include <mhc/geometry/membership.hpp>

using namespace mhc::test;
using violation = mhc::membership::violation;

TEST_CASE("Manifolds.jl: points", "[geometry][membership][published]") {
  for (auto const& p : published_points()) {
    CHECK(mhc::in_interior(view(p)));
    CHECK(mhc::in_polytope(view(p)));
  }
}

TEST_CASE("Manifolds.jl: rejected points, with the reason", "[geometry][membership][published]") {
  std::vector<double> const sums{.1, .9, .1, .1, .9, .1, .1, .1, .9};
  std::vector<double> const rows{.1, .9, .1, .8, .05, .15, .1, .05, .75};
  std::vector<double> const identity{1, 0, 0, 0, 1, 0, 0, 0, 1};

  auto const a = mhc::in_interior(view(sums));
  CHECK(a.what == violation::row_sum);
  CHECK(a.message() == "row 0 sums to 1.1 (expected 1, tolerance 2.66453526e-15)");

  auto const b = mhc::in_interior(view(rows), 1e-12);
  CHECK(b.what == violation::row_sum);
  CHECK(b.row == 0);
  CHECK(b.value == approx(1.1));

  auto const c = mhc::in_polytope(view(transposed(rows)), 1e-12);
  CHECK(c.what == violation::column_sum);
  CHECK(c.message() == "column 0 sums to 1.1 (expected 1, tolerance 1e-12)");

  auto const d = mhc::in_interior(view(identity));
  CHECK(d.what == violation::entry);
  CHECK(d.message() == "entry (0, 1) is 0 (expected more than 0)");
  CHECK(mhc::in_polytope(view(identity)));
}

TEST_CASE("the tolerance is absolute, of sums and of the sign", "[geometry][membership]") {
  double const d = 0x1p-20;
  std::vector<double> const outside{1 + d, -d, -d, 1 + d};
  CHECK(mhc::in_polytope(view(outside), d));
  CHECK_FALSE(mhc::in_polytope(view(outside), d / 2));
  CHECK(mhc::in_polytope(view(outside), d / 2).message() ==
        "entry (0, 1) is -9.53674316e-07 (expected 0 or more, tolerance 4.76837158e-07)");
  CHECK_FALSE(mhc::in_interior(view(outside), 1));

  std::vector<double> const heavy{.5 + d, .5, .5, .5};
  CHECK(mhc::in_interior(view(heavy), d));
  CHECK_FALSE(mhc::in_interior(view(heavy), d / 2));
}

TEST_CASE("a NaN or infinity is a violation", "[geometry][membership]") {
  for (double const bad : {not_a_number<double>, infinity<double>, -mhc::test::infinity<double>}) {
    std::vector<double> const m{.5, .5, bad, .5};
    for (auto const& found : {mhc::in_polytope(view(m), 1e300), mhc::in_interior(view(m), 1e300)}) {
      CHECK(found.what == violation::entry);
      CHECK(found.row == 1);
      CHECK(found.column == 0);
    }
  }
  std::vector<double> const m{not_a_number<double>};
  CHECK(mhc::in_polytope(view(m)).message() == "entry (0, 0) is nan (expected 0 or more, tolerance 8.8817842e-16)");
}

TEMPLATE_TEST_CASE("the default tolerance is the rounding of the element type", "[geometry][membership]", float,
                   double) {
  for (int n = 1; n <= 16; ++n)
    for (double const sigma : {.1, 1., 3.}) {
      auto const p = random_plan<TestType>(n, sigma, static_cast<unsigned>(n));
      CAPTURE(n, sigma);
      CHECK(mhc::in_interior(view(p)));
      auto off = p;
      off.back() += TestType(20 * n) * eps<TestType>;
      CHECK_FALSE(mhc::in_interior(view(off)));
    }
}

TEST_CASE("the polytope is closed under product, transpose, convex combination and permutation",
          "[geometry][membership][law]") {
  for (int n : {2, 3, 4, 8}) {
    auto const a = random_plan(n, 2, 1), b = random_plan(n, 2, 2);
    CHECK(mhc::in_interior(view(product(a, b))));
    CHECK(mhc::in_interior(view(transposed(a))));
    CHECK(mhc::in_interior(view(zipped(a, b, [](double x, double y) { return .3 * x + .7 * y; }))));
    auto rows_swapped = a;
    std::swap_ranges(rows_swapped.begin(), rows_swapped.begin() + n, rows_swapped.end() - n);
    CHECK(mhc::in_interior(view(rows_swapped)));
  }
}

TEST_CASE("a matrix of a batch", "[geometry][membership]") {
  auto const plans =
      repeated(3, [](unsigned b) { return b == 1 ? std::vector<double>{1, 0, 1, 0} : random_plan(2, 1, b + 1); });
  auto const batch = as_batch<2>(plans);
  CHECK(mhc::in_interior(mhc::matrix_at(batch, 0)));
  CHECK(mhc::in_polytope(mhc::matrix_at(batch, 1)).message() ==
        "column 0 sums to 2 (expected 1, tolerance 1.77635684e-15)");
  CHECK(mhc::in_interior(mhc::matrix_at(batch, 2)));
}

TEST_CASE("membership refuses what is no matrix and no tolerance", "[geometry][membership][refusal]") {
  std::vector<double> const p{1};
  CHECK_THAT(refusal([&] { mhc::in_polytope(mhc::matrix_view<double const>{p.data(), 0}); }),
             contains("mhc::in_polytope: plan has order 0, expected at least 1"));
  CHECK_THAT(refusal([&] { mhc::in_interior(mhc::matrix_view<double const>{nullptr, 2}); }),
             contains("mhc::in_interior: plan is null, expected 4 elements"));
  CHECK_THAT(refusal([&] { mhc::in_polytope(view(p), -1); }),
             contains("option: mhc::in_polytope: tolerance is -1, expected 0 or more"));
  CHECK_THAT(refusal([&] { mhc::in_interior(view(p), not_a_number<double>); }),
             contains("option: mhc::in_interior: tolerance is nan"));
}
