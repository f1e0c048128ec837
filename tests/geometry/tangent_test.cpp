// SPDX-License-Identifier: MIT
// The Fisher geometry of the polytope: its laws, a dense solve in long double, and the orders of gradient and Hessian.

#include "support/geometry.hpp"
#include "support/refusals.hpp"

#include <mhc/geometry/retraction.hpp>
#include <mhc/geometry/tangent.hpp>
#include <mhc/ops/rows.hpp>

#include <Eigen/Dense>

#include <cmath>

using namespace mhc::test;

namespace {

using array = std::vector<double>;

template <int N, class T>
std::vector<T> projected(std::vector<T> const& plan, std::vector<T> const& m) {
  std::vector<T> u(m.size());
  mhc::tangent_projection(as_batch<N>(plan), as_batch<N>(m), as_batch<N>(u));
  return u;
}

template <int N, class T>
T inner(std::vector<T> const& plan, std::vector<T> const& u, std::vector<T> const& v) {
  T value{};
  mhc::fisher_inner(as_batch<N>(plan), as_batch<N>(u), as_batch<N>(v), mhc::vector_view<T, 1>{&value, 1});
  return value;
}

template <int N, class T>
std::vector<T> gradient(std::vector<T> const& plan, std::vector<T> const& g) {
  std::vector<T> u(g.size());
  mhc::riemannian_gradient(as_batch<N>(plan), as_batch<N>(g), as_batch<N>(u));
  return u;
}

/// M − P∘(α⊕β) with α, β from the dense system of the marginals, one of them held fixed.
std::vector<long double> dense_projection(array const& plan, array const& matrix) {
  auto const n = static_cast<std::size_t>(order_of(plan));
  std::vector<long double> a(4 * n * n), rhs(2 * n), result;
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      long double const p = plan[i * n + j];
      a[i * 2 * n + i] += p;
      a[(n + j) * 2 * n + n + j] += p;
      a[i * 2 * n + n + j] = a[(n + j) * 2 * n + i] = p;
      rhs[i] += matrix[i * n + j];
      rhs[n + j] += matrix[i * n + j];
    }
  a[4 * n * n - 1] += 1;
  auto const y = reference::solve(a, rhs);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) result.push_back(matrix[i * n + j] - plan[i * n + j] * (y[i] + y[n + j]));
  return result;
}

}  // namespace

TEST_CASE("Manifolds.jl: dimension and tangents", "[geometry][tangent][published]") {
  static_assert(mhc::manifold_dimension(3) == 4 && mhc::manifold_dimension(1) == 0);
  array const accepted{-.1, 0, .1, 0, .2, -.2, .1, -.2, .1};
  array const columns{-.1, 0, .1, -.2, .1, .1, .2, -.1, -.1};
  CHECK(mhc::is_tangent(view(array(9, 0))));
  CHECK(mhc::is_tangent(view(accepted)));
  CHECK(mhc::is_tangent(view(columns), 1e-12).message() == "column 0 sums to -0.1 (expected 0, tolerance 1e-12)");
  CHECK(mhc::is_tangent(view(transposed(columns)), 1e-12).message() ==
        "row 0 sums to -0.1 (expected 0, tolerance 1e-12)");
  for (auto const& p : published_points()) {
    CHECK(mhc::is_tangent(view(projected<3>(p, accepted)), 1e-15));
    CHECK(error(projected<3>(p, accepted), accepted) <= 4 * eps<double>);
  }
  CHECK(inner<3>(array(9, 1. / 3), array{1, 1, 1, 0, 0, 0, 0, 0, 0}, array{1, 1, 1, 0, 0, 0, 0, 0, 0}) == approx(9));
}

TEST_CASE("is_tangent: scale of the default tolerance, and bad numbers", "[geometry][tangent]") {
  for (double const scale : {1e-200, 1., 1e200}) {
    auto u = random_tangent(5, scale);
    CHECK(mhc::is_tangent(view(u)));
    u[7] += 1e-12 * scale;
    CHECK_FALSE(mhc::is_tangent(view(u)));
  }
  CHECK(mhc::is_tangent(view(array{0, 0, infinity<double>, 0})).message() ==
        "entry (1, 0) is inf (expected a finite number)");
}

TEST_CASE("tangent_projection agrees with the dense system in long double", "[geometry][tangent]") {
  auto const check = []<int N>(std::integral_constant<int, N>) {
    for (double const sigma : {.5, 2., 5.})
      for (unsigned seed = 1; seed <= 5; ++seed) {
        auto const p = random_plan(N, sigma, seed), m = gaussian<double>(N * N, 1, seed + 50);
        CAPTURE(N, sigma, seed);
        // the error of β is relative to |β| and the conditioning of the marginals, about exp(sigma)
        CHECK(error(projected<N>(p, m), dense_projection(p, m)) <= 200 * N * std::exp(sigma) * eps<double>);
        CHECK(mhc::is_tangent(view(projected<N>(p, m)), 200 * N * std::exp(sigma) * eps<double>));
      }
  };
  check(std::integral_constant<int, 1>{});
  check(std::integral_constant<int, 2>{});
  check(std::integral_constant<int, 3>{});
  check(std::integral_constant<int, 4>{});
  check(std::integral_constant<int, 8>{});
}

TEST_CASE("the marginals are those that the plan has, and the plan may have zeros", "[geometry][tangent]") {
  array const loose{.3, .2, .1, .1, .4, .4, 1, .2, .7}, sparse{.5, .5, 0, 0, .5, .5, .5, 0, .5};
  auto const m = gaussian<double>(9);
  CHECK(error(projected<3>(loose, m), dense_projection(loose, m)) <= 20 * eps<double>);
  CHECK(error(projected<3>(sparse, m), dense_projection(sparse, m)) <= 20 * eps<double>);
}

TEST_CASE("tangent_projection is linear, idempotent, self-adjoint, and forgets P(a + b)", "[geometry][tangent][law]") {
  constexpr int N = 5;
  for (unsigned seed = 1; seed <= 10; ++seed) {
    auto const p = random_plan(N, 2, seed), a = gaussian<double>(N * N, 1, seed + 20),
               b = gaussian<double>(N * N, 1, seed + 40);
    auto const pa = projected<N>(p, a), pb = projected<N>(p, b);
    auto const combine = [](double x, double y) { return 2 * x - 3 * y; };
    CHECK(error(projected<N>(p, zipped(a, b, combine)), zipped(pa, pb, combine)) <= 1e-12);
    CHECK(error(projected<N>(p, pa), pa) <= 1e-13);
    CHECK(inner<N>(p, pa, b) == approx(inner<N>(p, a, pb)).epsilon(1e-11));
    // the rest is orthogonal to every tangent
    auto const rest = zipped(a, pa, std::minus<>{});
    CHECK(std::abs(inner<N>(p, rest, pb)) <= 1e-11);
    auto normal = p;
    for (int k = 0; k < N * N; ++k)
      normal[static_cast<std::size_t>(k)] *= a[static_cast<std::size_t>(k / N)] + b[static_cast<std::size_t>(k % N)];
    CHECK(largest(projected<N>(p, normal)) <= 1e-13);
  }
}

TEST_CASE("Manopt: the inner product is symmetric and bilinear, norms are those of unit tangents",
          "[geometry][tangent][published]") {
  constexpr int N = 4;
  auto const p = random_plan(N, 2);
  auto const a = random_tangent(N, 1, 1), b = random_tangent(N, 1, 2), c = random_tangent(N, 1, 3);
  CHECK(inner<N>(p, a, b) == approx(inner<N>(p, b, a)).epsilon(1e-14));
  CHECK(inner<N>(p, zipped(a, b, [](double x, double y) { return 2 * x + 3 * y; }), c) ==
        approx(2 * inner<N>(p, a, c) + 3 * inner<N>(p, b, c)).epsilon(1e-12));
  double norm = 0;
  mhc::fisher_norm(as_batch<N>(p), as_batch<N>(a), mhc::vector_view<double, 1>{&norm, 1});
  CHECK(norm == approx(std::sqrt(inner<N>(p, a, a))).epsilon(1e-15));
  auto unit = a;
  for (auto& x : unit) x /= norm;
  CHECK(inner<N>(p, unit, unit) == approx(1).epsilon(1e-14));
}

TEST_CASE("Manopt: the rank of the projections of a basis is the dimension", "[geometry][tangent][published]") {
  auto const rank = []<int N>(std::integral_constant<int, N>) {
    auto const p = random_plan(N, 2);
    Eigen::MatrixXd basis(N * N, N * N);
    for (int k = 0; k < N * N; ++k) {
      array e(N * N);
      e[static_cast<std::size_t>(k)] = 1;
      auto const u = projected<N>(p, e);
      for (int l = 0; l < N * N; ++l) basis(l, k) = u[static_cast<std::size_t>(l)];
    }
    Eigen::FullPivLU<Eigen::MatrixXd> lu(basis);
    lu.setThreshold(1e-10);
    return lu.rank();
  };
  CHECK(rank(std::integral_constant<int, 2>{}) == mhc::manifold_dimension(2));
  CHECK(rank(std::integral_constant<int, 3>{}) == mhc::manifold_dimension(3));
  CHECK(rank(std::integral_constant<int, 4>{}) == mhc::manifold_dimension(4));
}

TEST_CASE("Manifolds.jl: the Riemannian gradient is the projection of P times the Euclidean one",
          "[geometry][tangent][published]") {
  for (auto const& p : published_points()) {
    auto const g = gaussian<double>(9), grad = gradient<3>(p, g);
    CHECK(error(grad, projected<3>(p, zipped(p, g, std::multiplies<>{}))) <= 10 * eps<double>);
    auto const u = random_tangent(3, 1, 7);  // ⟨grad, U⟩ = Σ G U
    CHECK(inner<3>(p, grad, u) == approx(std::inner_product(g.begin(), g.end(), u.begin(), 0.)).epsilon(1e-12));
  }
}

namespace {

using real = long double;
constexpr int N4 = 4;
using matrix = std::vector<real>;

/// Σ A∘P∘P/2 + sin(B∘P), with its Euclidean gradient and Hessian.
struct test_function {
  matrix a = gaussian<real>(16, 1, 91), b = gaussian<real>(16, 2, 92);

  real value(matrix const& p) const {
    real sum = 0;
    for (std::size_t k = 0; k < 16; ++k) sum += a[k] * p[k] * p[k] / 2 + std::sin(b[k] * p[k]);
    return sum;
  }
  matrix gradient(matrix const& p) const {
    matrix g(16);
    for (std::size_t k = 0; k < 16; ++k) g[k] = a[k] * p[k] + b[k] * std::cos(b[k] * p[k]);
    return g;
  }
  matrix hessian(matrix const& p, matrix const& u) const {
    matrix h(16);
    for (std::size_t k = 0; k < 16; ++k) h[k] = (a[k] - b[k] * b[k] * std::sin(b[k] * p[k])) * u[k];
    return h;
  }
};

matrix hessian(test_function const& f, matrix const& p, matrix const& u) {
  auto const grad = gradient<N4>(p, f.gradient(p));
  matrix h(16);
  auto const euclidean = f.hessian(p, u);
  mhc::riemannian_hessian(as_batch<N4>(p), as_batch<N4>(grad), as_batch<N4>(euclidean), as_batch<N4>(u),
                          as_batch<N4>(h));
  return h;
}

/// log₂ of the factor by which error(t) falls when t is halved.
template <class F>
double slope(F&& error_at) {
  return static_cast<double>(std::log2(error_at(0x1p-9L) / error_at(0x1p-10L)));
}

matrix scaled(real t, matrix u) {
  for (auto& x : u) x *= t;
  return u;
}

}  // namespace

TEST_CASE("Manopt checkgradient: f(R_P(tU)) − f − t⟨grad f, U⟩ falls with slope 2", "[geometry][tangent][published]") {
  test_function const f;
  for (unsigned seed = 1; seed <= 5; ++seed) {
    auto const p = random_plan<real>(N4, 1, seed), u = random_tangent<real>(N4, .1, seed + 10);
    real const derivative = inner<N4>(p, gradient<N4>(p, f.gradient(p)), u);
    auto const check = [&](auto const& retraction) {
      return slope([&](real t) {
        matrix q(16);
        retraction(as_batch<N4>(p), as_batch<N4>(scaled(t, u)), as_batch<N4>(q));
        return std::abs(f.value(q) - f.value(p) - t * derivative);
      });
    };
    CHECK(check([](auto... v) { mhc::retract(v...); }) == approx(2).margin(.1));
    CHECK(check([](auto... v) { mhc::retract_second_order(v...); }) == approx(2).margin(.1));
  }
}

TEST_CASE("Manopt checkhessian: with ½t²⟨Hess f[U], U⟩ the slope is 3", "[geometry][tangent][published]") {
  test_function const f;
  for (unsigned seed = 1; seed <= 5; ++seed) {
    auto const p = random_plan<real>(N4, 1, seed), u = random_tangent<real>(N4, .1, seed + 10);
    real const first = inner<N4>(p, gradient<N4>(p, f.gradient(p)), u), second = inner<N4>(p, hessian(f, p, u), u);
    CHECK(slope([&](real t) {
            auto const tu = scaled(t, u);
            matrix q(16);
            mhc::retract_second_order(as_batch<N4>(p), as_batch<N4>(tu), as_batch<N4>(q));
            return std::abs(f.value(q) - f.value(p) - t * first - t * t / 2 * second);
          }) == approx(3).margin(.1));
  }
}

TEST_CASE("Manopt: the Hessian is tangent, linear and self-adjoint", "[geometry][tangent][published]") {
  test_function const f;
  auto const p = random_plan<real>(N4, 1.5);
  auto const u = random_tangent<real>(N4, 1, 2), v = random_tangent<real>(N4, 1, 3);
  auto const hu = hessian(f, p, u), hv = hessian(f, p, v);
  auto const combine = [](real x, real y) { return 2 * x - y; };
  CHECK(error(hessian(f, p, zipped(u, v, combine)), zipped(hu, hv, combine)) <= 1e-15L);
  CHECK(std::abs(inner<N4>(p, hu, v) - inner<N4>(p, u, hv)) <= 1e-15L);
  CHECK(mhc::is_tangent(view(hu), 1e-16));
}

TEST_CASE("a batch is its matrices, in place too, in float as computed in double", "[geometry][tangent]") {
  auto const plans = repeated(5, [](unsigned b) { return random_plan<float>(4, 1, b + 1); });
  auto m = gaussian<float>(5 * 16);
  auto const u = projected<4>(plans, m);
  for (std::ptrdiff_t b = 0; b < 5; ++b) {
    array const p(plans.begin() + b * 16, plans.begin() + b * 16 + 16),
        one(m.begin() + b * 16, m.begin() + b * 16 + 16);
    auto const wide = projected<4>(p, one);
    CHECK(same_bits(std::vector<float>(wide.begin(), wide.end()),
                    std::vector<float>(u.begin() + b * 16, u.begin() + b * 16 + 16)));
  }
  mhc::tangent_projection(as_batch<4>(plans), as_batch<4>(m), as_batch<4>(m));
  CHECK(same_bits(m, u));
}

TEST_CASE("a NaN stays in its own matrix", "[geometry][tangent]") {
  auto const plans = repeated(3, [](unsigned b) { return random_plan(3, 1, b + 1); });
  auto m = gaussian<double>(27);
  auto const before = projected<3>(plans, m);
  m[9] = not_a_number<double>;
  auto const after = projected<3>(plans, m);
  for (std::ptrdiff_t k = 0; k < 27; ++k) CHECK(std::isnan(after[static_cast<std::size_t>(k)]) == (k / 9 == 1));
  CHECK(same_bits(array(before.begin() + 18, before.end()), array(after.begin() + 18, after.end())));
}

TEST_CASE("the same text runs with one matrix per SIMD lane", "[geometry][tangent]") {
  using V = mhc::detail::lanes<double, xsimd::default_arch>;
  constexpr std::ptrdiff_t width = mhc::detail::width<V>;
  auto const plans = repeated(static_cast<int>(width), [](unsigned b) { return random_plan(4, 2, b + 1); });
  auto const m = gaussian<double>(width * 16);
  using tile = mhc::math::tile<V, 4>;
  auto const p = mhc::detail::load_rows<tile>(plans.data(), 0, width),
             x = mhc::detail::load_rows<tile>(m.data(), 0, width);
  array lanes(m.size());
  mhc::detail::store_rows(mhc::math::tangent_projection(p, x), lanes.data(), 0, width);
  CHECK(error(lanes, projected<4>(plans, m)) <= 1e-12);
}

TEST_CASE("tangent operations refuse views that do not fit, before anything is written",
          "[geometry][tangent][refusal]") {
  array const p(8, .5), m(4);
  array u(8, 7);
  CHECK_THAT(refusal([&] { mhc::tangent_projection(as_batch<2>(p), as_batch<2>(m), as_batch<2>(u)); }),
             contains("mhc::tangent_projection: matrix has 1 tokens or matrices, expected 2"));
  CHECK_THAT(
      refusal([&] {
        mhc::riemannian_gradient(as_batch<2>(p), as_batch<2>(u), mhc::batch_view<double, 2>{u.data() + 1, 2});
      }),
      contains("mhc::riemannian_gradient: gradient is misaligned") || contains("gradient overlaps plan_gradient"));
  CHECK_THAT(
      refusal([&] { mhc::fisher_norm(as_batch<2>(p), as_batch<2>(u), mhc::vector_view<double, 1>{nullptr, 2}); }),
      contains("mhc::fisher_norm: norm is null"));
  CHECK_THAT(refusal([&] { mhc::is_tangent(view(p), -1); }), contains("option: mhc::is_tangent: tolerance is -1"));
  CHECK(u == array(8, 7));
  mhc::tangent_projection(mhc::batch_view<double const, 2>{}, {}, mhc::batch_view<double, 2>{});  // B = 0
}
