// SPDX-License-Identifier: MIT
// Retractions and geodesics: inverses, orders, closed forms for n = 2, and an optimiser that walks on them.

#include "support/geometry.hpp"
#include "support/refusals.hpp"

#include <mhc/geometry/membership.hpp>
#include <mhc/geometry/retraction.hpp>
#include <mhc/geometry/tangent.hpp>

#include <cmath>

using namespace mhc::test;

namespace {

template <int N, class T>
std::vector<T> retract(std::vector<T> const& p, std::vector<T> const& u) {
  std::vector<T> q(p.size());
  mhc::retract(as_batch<N>(p), as_batch<N>(u), as_batch<N>(q));
  return q;
}

template <int N, class T>
std::vector<T> retract_second_order(std::vector<T> const& p, std::vector<T> const& u) {
  std::vector<T> q(p.size());
  mhc::retract_second_order(as_batch<N>(p), as_batch<N>(u), as_batch<N>(q));
  return q;
}

template <int N, class T>
std::vector<T> inverse_retract(std::vector<T> const& p, std::vector<T> const& q) {
  std::vector<T> u(p.size());
  mhc::inverse_retract(as_batch<N>(p), as_batch<N>(q), as_batch<N>(u));
  return u;
}

template <int N, class T>
std::vector<T> exponential(std::vector<T> const& p, std::vector<T> const& u, double t) {
  std::vector<T> q(p.size());
  mhc::exponential_geodesic(as_batch<N>(p), as_batch<N>(u), t, as_batch<N>(q));
  return q;
}

template <int N, class T>
std::vector<T> mixture(std::vector<T> const& p, std::vector<T> const& u, double t) {
  std::vector<T> q(p.size());
  mhc::mixture_geodesic(as_batch<N>(p), as_batch<N>(u), t, as_batch<N>(q));
  return q;
}

template <int N>
double reach(std::vector<double> const& p, std::vector<double> const& u) {
  double t = 0;
  mhc::mixture_reach(as_batch<N>(p), as_batch<N>(u), mhc::vector_view<double, 1>{&t, 1});
  return t;
}

template <class T>
std::vector<T> scaled(T t, std::vector<T> u) {
  for (auto& x : u) x *= t;
  return u;
}

}  // namespace

TEMPLATE_TEST_CASE_SIG("retract and inverse_retract undo each other", "[geometry][retraction][law]", ((int N), N), 1, 2,
                       3, 4, 8) {
  for (double const sigma : {.3, 1., 2.})
    for (unsigned seed = 1; seed <= 5; ++seed) {
      auto const p = random_plan(N, sigma, seed), q = random_plan(N, sigma, seed + 10);
      CAPTURE(N, sigma, seed);
      auto const u = inverse_retract<N>(p, q);
      CHECK(mhc::is_tangent(view(u), 1e-13));
      CHECK(error(retract<N>(p, u), q) <= 1e-12);
      CHECK(error(inverse_retract<N>(p, retract<N>(p, u)), u) <= 1e-12);
      CHECK(error(retract<N>(p, std::vector<double>(p.size())), p) <= 1e-14);
      CHECK(largest(inverse_retract<N>(p, p)) == 0);
    }
}

TEST_CASE("retractions stay inside however long the step, and forget what is not tangent",
          "[geometry][retraction][law]") {
  constexpr int N = 4;
  for (double const length : {.1, 1., 10., 1000.})
    for (unsigned seed = 1; seed <= 5; ++seed) {
      auto const p = random_plan(N, 1, seed);
      auto const m = zipped(p, gaussian<double>(16, length, seed + 20), std::multiplies<>{});
      auto const q = retract<N>(p, m);
      CAPTURE(length, seed);
      CHECK(mhc::in_polytope(view(q)));
      if (length > 1) continue;
      CHECK(mhc::in_interior(view(q)));
      std::vector<double> u(16);
      mhc::tangent_projection(as_batch<N>(p), as_batch<N>(m), as_batch<N>(u));
      CHECK(error(retract<N>(p, u), q) <= 1e-13);
      CHECK(mhc::in_interior(view(retract_second_order<N>(p, u))));
    }
}

TEST_CASE("Manopt: retractions agree with P + tU to first order", "[geometry][retraction][published]") {
  using real = long double;
  for (unsigned seed = 1; seed <= 5; ++seed) {
    auto const p = random_plan<real>(4, 1, seed), u = random_tangent<real>(4, .05, seed + 10);
    auto const off = [&](auto const& curve, real t) {
      return error(curve(p, scaled(t, u)), zipped(p, scaled(t, u), std::plus<>{}));
    };
    auto const slope = [&](auto const& curve) {
      return static_cast<double>(std::log2(off(curve, 0x1p-8L) / off(curve, 0x1p-9L)));
    };
    CHECK(slope([](auto const& a, auto const& b) { return retract<4>(a, b); }) == approx(2).margin(.05));
    CHECK(slope([](auto const& a, auto const& b) { return retract_second_order<4>(a, b); }) == approx(2).margin(.05));
  }
}

TEST_CASE("n = 2 in closed form: geodesics of all three connections", "[geometry][retraction]") {
  // P = [p, 1−p; 1−p, p]: exponential, logit p is linear in t; Fisher, p = sin²(θ + ωt)
  using real = long double;
  for (real const p : {.1L, .5L, .8L})
    for (real const u : {-.3L, .05L}) {
      std::vector<real> const plan{p, 1 - p, 1 - p, p}, tangent{u, -u, -u, u};
      real const logit = std::log(p / (1 - p)) + u / (p * (1 - p));
      CHECK(std::abs(retract<2>(plan, tangent)[0] - 1 / (1 + std::exp(-logit))) <= 1e-17L);
      CHECK(std::abs(mixture<2>(plan, tangent, .25)[0] - (p + u / 4)) <= 1e-18L);
      real const angle = std::asin(std::sqrt(p)), speed = u / std::sin(2 * angle);
      auto const off = [&](real t) {
        real const s = std::sin(angle + speed * t);
        return std::abs(retract_second_order<2>(plan, scaled(t, tangent))[0] - s * s);
      };
      CHECK(off(0x1p-8L) < 0x1p-20L);
      double const slope = static_cast<double>(std::log2(off(0x1p-8L) / off(0x1p-9L)));
      if (p == .5L) CHECK(slope > 2.9);  // third order and above: by symmetry
      if (p != .5L) CHECK(slope == approx(3).margin(.1));
    }
}

TEST_CASE("the exponential geodesic is straight in log P, and goes both ways", "[geometry][retraction][law]") {
  auto const p = random_plan(4, 1, 1), q = random_plan(4, 1, 2);
  auto const there = inverse_retract<4>(p, q), back = inverse_retract<4>(q, p);
  auto const cross = [](std::vector<double> const& m) {
    return std::log(m[0] * m[5] / (m[1] * m[4]));
  };  // no a⊕b in it
  for (double const t : {-1., 0., .25, .5, 1., 2.}) {
    auto const m = exponential<4>(p, there, t);
    CHECK(error(m, exponential<4>(q, back, 1 - t)) <= 1e-13);
    CHECK(cross(m) == approx((1 - t) * cross(p) + t * cross(q)).epsilon(1e-11));
  }
  CHECK(same_bits(exponential<4>(p, there, 1), retract<4>(p, there)));
}

TEST_CASE("the mixture geodesic is in the polytope up to its reach, and not beyond", "[geometry][retraction][law]") {
  for (unsigned seed = 1; seed <= 20; ++seed) {
    auto const p = random_plan(4, 1, seed), u = random_tangent(4, 1, seed + 20);
    double const t = reach<4>(p, u);
    CHECK(mhc::in_interior(view(mixture<4>(p, u, .999 * t))));
    CHECK(mhc::in_polytope(view(mixture<4>(p, u, t))));
    CHECK_FALSE(mhc::in_polytope(view(mixture<4>(p, u, 1.001 * t)), 1e-9));
  }
  std::vector<double> const half(4, .5);
  CHECK(reach<2>(half, {.25, -.25, -.25, .25}) == 2);
  CHECK(reach<2>(half, std::vector<double>(4)) == infinity<double>);
}

TEST_CASE("geoopt: Riemannian Adam reaches a 5 x 5 target", "[geometry][retraction][published]") {
  auto const target = random_plan(5, 1, 3);
  auto p = random_plan(5, 1, 4);
  std::vector<double> mean(25), moment(1);
  for (int step = 1; step <= 2000 && error(p, target) > 1e-4; ++step) {
    std::vector<double> g(25), size(1);
    for (std::size_t k = 0; k < 25; ++k) g[k] = 2 * (p[k] - target[k]);
    mhc::riemannian_gradient(as_batch<5>(p), as_batch<5>(g), as_batch<5>(g));
    mhc::fisher_inner(as_batch<5>(p), as_batch<5>(g), as_batch<5>(g), mhc::vector_view<double, 1>{size.data(), 1});
    moment[0] = .999 * moment[0] + .001 * size[0];
    for (std::size_t k = 0; k < 25; ++k) mean[k] = .9 * mean[k] + .1 * g[k];
    double const rate = .02 / (std::sqrt(moment[0] / (1 - std::pow(.999, step))) + 1e-8) / (1 - std::pow(.9, step));
    mhc::retract(as_batch<5>(p), as_batch<5>(scaled(-rate, mean)), as_batch<5>(p));
    mhc::tangent_projection(as_batch<5>(p), as_batch<5>(mean), as_batch<5>(mean));  // transport
  }
  CHECK(error(p, target) <= 1e-3);
  CHECK(mhc::in_interior(view(p)));
}

TEST_CASE("a NaN stays in its own matrix, and in place is allowed", "[geometry][retraction]") {
  auto plans = repeated(3, [](unsigned b) { return random_plan(3, 1, b + 1); });
  auto u = repeated(3, [](unsigned b) { return random_tangent(3, .1, b + 1); });
  auto const clean = retract<3>(plans, u);
  u[13] = not_a_number<double>;
  mhc::retract(as_batch<3>(plans), as_batch<3>(u), as_batch<3>(plans));
  CHECK(any_nan(std::vector<double>(plans.begin() + 9, plans.begin() + 18)));
  for (std::size_t k = 0; k < 27; ++k)
    if (k / 9 != 1) CHECK(plans[k] == clean[k]);
}

TEST_CASE("retractions refuse views that do not fit", "[geometry][retraction][refusal]") {
  std::vector<double> const p(8, .5), u(4);
  std::vector<double> q(8, 7);
  auto const says = [](auto&& f, char const* text) { CHECK_THAT(refusal(f), contains(text)); };
  says([&] { mhc::retract(as_batch<2>(p), as_batch<2>(u), as_batch<2>(q)); }, "mhc::retract: tangent has 1");
  says([&] { mhc::inverse_retract(as_batch<2>(p), as_batch<2>(u), as_batch<2>(q)); },
       "mhc::inverse_retract: next has 1");
  says([&] { mhc::retract_second_order(as_batch<2>(p), as_batch<2>(u), as_batch<2>(q)); },
       "mhc::retract_second_order: tangent");
  says([&] { mhc::exponential_geodesic(as_batch<2>(p), as_batch<2>(u), 1, as_batch<2>(q)); },
       "mhc::exponential_geodesic: tangent");
  says([&] { mhc::mixture_geodesic(as_batch<2>(p), as_batch<2>(u), 1, as_batch<2>(q)); },
       "mhc::mixture_geodesic: tangent");
  says([&] { mhc::mixture_reach(as_batch<2>(u), as_batch<2>(u), mhc::vector_view<double, 1>{}); },
       "mhc::mixture_reach: reach has 0");
  CHECK(q == std::vector<double>(8, 7));
}
