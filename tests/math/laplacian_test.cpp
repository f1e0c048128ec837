// SPDX-License-Identifier: MIT
// The one linear system behind the derivatives of the exact projection.

#include "support/arrays.hpp"
#include "support/reference.hpp"

#include <mhc/math/laplacian.hpp>
#include <mhc/math/newton.hpp>

using namespace mhc::test;
using mhc::math::tile;

template <int N>
tile<double, N> tile_of(std::vector<double> const& a) {
  tile<double, N> t;
  for (int k = 0; k < N * N; ++k) t[k] = a[static_cast<std::size_t>(k)];
  return t;
}
template <int N>
std::vector<double> values(tile<double, N> const& t) {
  std::vector<double> a;
  for (int k = 0; k < N * N; ++k) a.push_back(t[k]);
  return a;
}

template <int N>
tile<double, N> exact_plan(double sigma, unsigned seed) {
  auto const z = tile_of<N>(gaussian<double>(N * N, sigma, seed));
  return mhc::math::entropic_projection(mhc::math::unit_marginals{}, z, N * eps<double>, 200).plan;
}
template <int N>
tile<double, N> random_tile(unsigned seed) {
  return tile_of<N>(gaussian<double>(N * N, 1, seed));
}

template <int N>
struct order {
  static constexpr int n = N;
};

// Π_P(M) in terms of the derivative, which takes M / P.
template <int N>
tile<double, N> tangent_projection(tile<double, N> const& p, tile<double, N> m) {
  for (int k = 0; k < N * N; ++k) m[k] /= p[k];
  return mhc::math::implicit_derivative(p, m);
}

TEMPLATE_TEST_CASE("the Laplacian is solved as a dense system would be", "[math][laplacian]", order<2>, order<3>,
                   order<5>, order<8>) {
  constexpr int N = TestType::n;
  auto const random = gaussian<double>(N * N + N, 1, 3);
  tile<double, N> w{};
  mhc::math::vec<double, N> rhs{};
  std::vector<long double> a((N - 1) * (N - 1), 0), b;
  long double total = 0;
  for (int j = 0; j < N; ++j)
    for (int k = j + 1; k < N; ++k) w.at[j][k] = std::exp(2 * random[static_cast<std::size_t>(j * N + k)]);
  for (int j = 0; j + 1 < N; ++j) rhs[j] = random[static_cast<std::size_t>(N * N + j)], total += rhs[j];
  rhs[N - 1] = -static_cast<double>(total);
  auto const weight = [&](int j, int k) {
    return j == k ? 0.L : static_cast<long double>(w.at[std::min(j, k)][std::max(j, k)]);
  };
  for (int j = 0; j + 1 < N; ++j) {
    for (int k = 0; k + 1 < N; ++k)
      for (int l = 0; l < N && (l == 0 || j == k); ++l)
        a[static_cast<std::size_t>(j * (N - 1) + k)] += j == k ? weight(j, l) : -weight(j, k);
    b.push_back(rhs[j]);
  }
  auto expected = reference::solve(a, b);
  expected.push_back(0);
  auto const beta = mhc::math::solve_laplacian(w, rhs);
  std::vector<double> const actual(beta.at, beta.at + N);
  REQUIRE(relative_error(actual, expected) <= 1e-13);
}

TEMPLATE_TEST_CASE("the derivative: rows and columns sum to 0, lines are forgotten", "[math][laplacian][law]", order<1>,
                   order<2>, order<4>, order<8>) {
  constexpr int N = TestType::n;
  for (double const sigma : {.5, 3., 10.}) {
    auto const p = exact_plan<N>(sigma, 1);
    auto const x = random_tile<N>(2);
    auto shifted = x;
    for (int i = 0; i < N; ++i)
      for (int j = 0; j < N; ++j) shifted.at[i][j] += 8 * i - 4 * j;
    auto const d = mhc::math::implicit_derivative(p, x);
    for (int i = 0; i < N; ++i) {
      double row = 0, column = 0;
      for (int j = 0; j < N; ++j) row += d.at[i][j], column += d.at[j][i];
      REQUIRE(std::abs(row) <= 64 * N * eps<double>);
      REQUIRE(std::abs(column) <= 64 * N * eps<double>);
    }
    // differences of X carry the rounding of a shift of 8N
    REQUIRE(error(values(mhc::math::implicit_derivative(p, shifted)), values(d)) <= 64 * N * N * eps<double>);
  }
}

TEMPLATE_TEST_CASE("the Jacobian is symmetric, positive semidefinite, of rank (n − 1)²", "[math][laplacian][law]",
                   order<2>, order<3>, order<4>) {
  constexpr int N = TestType::n, M = N * N;
  auto const p = exact_plan<N>(1, 1);
  std::vector<double> j;
  for (int k = 0; k < M; ++k) {
    tile<double, N> e{};
    e[k] = 1;
    auto const column = values(mhc::math::implicit_derivative(p, e));
    j.insert(j.end(), column.begin(), column.end());
  }
  for (std::size_t a = 0; a < M; ++a)
    for (std::size_t b = 0; b < a; ++b) REQUIRE(std::abs(j[a * M + b] - j[b * M + a]) <= 16 * N * eps<double>);
  // rank and signs by symmetric elimination with diagonal pivots
  int rank = 0;
  for (int step = 0; step < M; ++step) {
    std::size_t pivot = 0;
    for (std::size_t a = 0; a < M; ++a)
      if (j[a * M + a] > j[pivot * M + pivot]) pivot = a;
    double const d = j[pivot * M + pivot];
    if (d < 1e-12) break;
    ++rank;
    auto const row = std::vector<double>(j.begin() + static_cast<std::ptrdiff_t>(pivot * M),
                                         j.begin() + static_cast<std::ptrdiff_t>(pivot * M + M));
    for (std::size_t a = 0; a < M; ++a)
      for (std::size_t b = 0; b < M; ++b) j[a * M + b] -= row[a] * row[b] / d;
  }
  REQUIRE(rank == (N - 1) * (N - 1));
  for (double const rest : j) REQUIRE(std::abs(rest) <= 1e-12);  // nothing negative is left
}

TEMPLATE_TEST_CASE("as a projection the derivative is idempotent, self-adjoint and fixes tangents",
                   "[math][laplacian][law]", order<2>, order<3>, order<4>, order<8>) {
  constexpr int N = TestType::n;
  auto const p = exact_plan<N>(1.5, 4);
  auto const once = tangent_projection(p, random_tile<N>(5));
  REQUIRE(relative_error(values(tangent_projection(p, once)), values(once)) <= 1e-13);
  double one = 0, two = 0, scale = 0;  // in the Fisher metric ⟨A, B⟩ = Σ A B / P
  auto const a = random_tile<N>(7), b = random_tile<N>(8);
  auto const pa = tangent_projection(p, a), pb = tangent_projection(p, b);
  for (int k = 0; k < N * N; ++k)
    one += pa[k] * b[k] / p[k], two += a[k] * pb[k] / p[k], scale += std::abs(pa[k] * b[k] / p[k]);
  REQUIRE(std::abs(one - two) <= 1e-13 * scale);
}

/// P∘(X − α⊕β) from the dense system [diag r, P; Pᵀ, diag c][α; β] = [(P∘X)1; (P∘X)ᵀ1].
template <int N>
std::vector<long double> dense(tile<double, N> const& p, tile<double, N> const& x, bool marginals_of_1) {
  constexpr std::size_t M = 2 * N;
  std::vector<long double> a(M * M, 0), rhs(M, 0), result;
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < N; ++j) {
      long double const e = p.at[i][j];
      a[i * M + i] += e;
      a[(N + j) * M + N + j] += e;
      a[i * M + N + j] = a[(N + j) * M + i] = e;
      rhs[i] += e * x.at[i][j];
      rhs[N + j] += e * x.at[i][j];
    }
  for (std::size_t k = 0; k < M && marginals_of_1; ++k) a[k * M + k] = 1;
  if (!marginals_of_1) a[M * M - 1] += 1;  // the gauge
  auto const y = reference::solve(a, rhs);
  for (std::size_t i = 0; i < N; ++i)
    for (std::size_t j = 0; j < N; ++j) result.push_back(p.at[i][j] * (x.at[i][j] - y[i] - y[N + j]));
  return result;
}

TEST_CASE("the marginals are those that the matrix has; assuming 1 would be wrong", "[math][laplacian]") {
  constexpr int N = 3;
  auto const p = tile_of<N>({.6, .3, .4, .7, .1, .1, .5, .9, .1});  // neither rows nor columns sum to 1
  auto const x = random_tile<N>(9);
  auto const d = values(mhc::math::implicit_derivative(p, x));
  REQUIRE(relative_error(d, dense(p, x, false)) <= 1e-14);
  REQUIRE(relative_error(dense(p, x, true), dense(p, x, false)) > .1L);
}
