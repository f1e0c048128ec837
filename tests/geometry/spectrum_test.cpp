// SPDX-License-Identifier: MIT
// Singular values against Eigen, permanents against their definition, and the bounds that the literature has.

#include "support/geometry.hpp"
#include "support/refusals.hpp"

#include <mhc/geometry/spectrum.hpp>

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <numeric>

using namespace mhc::test;

namespace {

using array = std::vector<double>;

Eigen::MatrixXd as_eigen(array const& m) {
  int const n = order_of(m);
  return Eigen::Map<Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> const>(m.data(), n, n);
}

array average(int n) { return array(mhc::detail::at(n, n, 0), 1. / n); }

array identity(int n) {
  array m(mhc::detail::at(n, n, 0));
  for (int i = 0; i < n; ++i) m[mhc::detail::at(n, i, i)] = 1;
  return m;
}

long double reference_permanent(array const& a) {
  auto const n = static_cast<std::size_t>(order_of(a));
  std::vector<std::size_t> p(n);
  std::iota(p.begin(), p.end(), std::size_t{0});
  long double sum = 0;
  do {
    long double term = 1;
    for (std::size_t i = 0; i < n; ++i) term *= a[i * n + p[i]];
    sum += term;
  } while (std::next_permutation(p.begin(), p.end()));
  return sum;
}

/// n!/nⁿ.
double van_der_waerden(int n) {
  double bound = 1;
  for (int k = 1; k <= n; ++k) bound *= static_cast<double>(k) / n;
  return bound;
}

}  // namespace

TEST_CASE("singular_values agree with Eigen's", "[geometry][spectrum]") {
  for (int n : {1, 2, 3, 4, 8, 17})
    for (unsigned seed = 1; seed <= 5; ++seed) {
      for (auto const& m : {gaussian<double>(n * n, 1, seed), random_plan(n, 2, seed), average(n), identity(n),
                            array(mhc::detail::at(n, n, 0))}) {
        auto const expected = Eigen::JacobiSVD<Eigen::MatrixXd>(as_eigen(m)).singularValues().eval();
        CHECK(error(mhc::singular_values(view(m)), array(expected.data(), expected.data() + n)) <=
              1e-14 * std::max(1., n * expected[0]));
      }
    }
  CHECK(mhc::second_singular_value(view(array{1})) == 0);
  CHECK(mhc::second_singular_value(view(array{.6, .4, .4, .6})) == approx(.2).epsilon(1e-14));
}

TEST_CASE("on the polytope σ₁ = 1, and |det| ≤ σ₂^(n−1) ≤ 1", "[geometry][spectrum][law]") {
  for (int n : {2, 3, 4, 8})
    for (double const sigma : {.1, 1., 4.})
      for (unsigned seed = 1; seed <= 10; ++seed) {
        auto const p = random_plan(n, sigma, seed);
        auto const s = mhc::singular_values(view(p));
        CHECK(s[0] == approx(1).epsilon(1e-14));
        CHECK(std::abs(as_eigen(p).determinant()) <= std::pow(s[1], n - 1) + 1e-15);
        CHECK(s[1] <= 1 + 1e-14);
        CHECK(s[1] == mhc::second_singular_value(view(p)));
      }
}

TEST_CASE("σ₂ and Dobrushin's coefficient bound what is left of differences", "[geometry][spectrum][law]") {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    auto const p = random_plan(4, 2, seed);
    auto const x = gaussian<double>(4, 1, seed + 60);
    Eigen::VectorXd const before = Eigen::Map<Eigen::VectorXd const>(x.data(), 4), after = as_eigen(p) * before;
    CHECK(after.mean() == approx(before.mean()).margin(1e-15));
    auto const deviation = [](Eigen::VectorXd const& v) { return (v.array() - v.mean()).matrix().norm(); };
    auto const range = [](Eigen::VectorXd const& v) { return v.maxCoeff() - v.minCoeff(); };
    CHECK(deviation(after) <= mhc::second_singular_value(view(p)) * deviation(before) * (1 + 1e-13));
    CHECK(range(after) <= mhc::dobrushin_coefficient(view(p)) * range(before) * (1 + 1e-13));
  }
}

TEST_CASE("dobrushin_coefficient", "[geometry][spectrum]") {
  CHECK(mhc::dobrushin_coefficient(view(identity(3))) == 1);
  CHECK(mhc::dobrushin_coefficient(view(average(3))) == 0);
  CHECK(mhc::dobrushin_coefficient(view(array{.5, .5, 0, .25, .25, .5, .25, .25, .5})) == .5);
  CHECK(mhc::dobrushin_coefficient(view(array{7})) == 0);
  CHECK(std::isnan(mhc::dobrushin_coefficient(view(array{.5, not_a_number<double>, .5, .5}))));
}

TEST_CASE("permanent is the sum over permutations", "[geometry][spectrum]") {
  for (int n = 1; n <= 8; ++n)
    for (unsigned seed = 1; seed <= 5; ++seed) {
      auto const p = random_plan(n, 2, seed), g = gaussian<double>(n * n, 1, seed);
      CAPTURE(n, seed);
      CHECK(mhc::permanent(view(p)) == approx(static_cast<double>(reference_permanent(p))).epsilon(1e-13));
      CHECK(std::abs(mhc::permanent(view(g)) - reference_permanent(g)) <= 1e-11L);
    }
}

TEST_CASE("a NaN gives NaN", "[geometry][spectrum]") {
  array const m{1, 2, not_a_number<double>, 4};
  CHECK(std::isnan(mhc::permanent(view(m))));
  CHECK(std::isnan(mhc::dobrushin_coefficient(view(m))));
  CHECK(std::isnan(mhc::second_singular_value(view(m))));
}

TEST_CASE("permanents between van der Waerden's bound and 1", "[geometry][spectrum][law]") {
  for (int n = 1; n <= 20; ++n) {
    CHECK(mhc::permanent(view(average(n))) == approx(van_der_waerden(n)).epsilon(1e-12).margin(1e-15));
    CHECK(mhc::permanent(view(identity(n))) == approx(1).epsilon(1e-13));
  }
  for (int n : {2, 3, 4, 8})
    for (unsigned seed = 1; seed <= 20; ++seed) {
      double const value = mhc::permanent(view(random_plan(n, 1, seed)));
      CHECK(value >= van_der_waerden(n) * (1 - 1e-13));
      CHECK(value <= 1 + 1e-13);
    }
  CHECK(mhc::permanent(view(std::vector<float>{1, 2, 3, 4})) == 10);
}

TEST_CASE("spectrum refuses matrices that do not fit", "[geometry][spectrum][refusal]") {
  auto const says = [](auto&& f, char const* text) { CHECK_THAT(refusal(f), contains(text)); };
  mhc::matrix_view<double const> const none{nullptr, 2};
  array const large = identity(31);
  says([&] { mhc::permanent(view(large)); }, "mhc::permanent: matrix has order 31, expected at most 30");
  says([&] { mhc::permanent(none); }, "mhc::permanent: matrix is null, expected 4 elements");
  says([&] { mhc::singular_values(none); }, "mhc::singular_values: matrix is null");
  says([&] { mhc::second_singular_value(none); }, "mhc::second_singular_value: matrix is null");
  says([&] { mhc::dobrushin_coefficient(none); }, "mhc::dobrushin_coefficient: matrix is null");
}
