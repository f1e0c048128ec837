// SPDX-License-Identifier: MIT
// The correction of marginals on a graph that may fall apart.

#include "support/arrays.hpp"

#include <mhc/math/balance.hpp>

using namespace mhc::test;
namespace math = mhc::math;

namespace {

template <int N>
math::tile<double, N> tile_of(std::vector<double> const& a) {
  math::tile<double, N> t;
  for (int k = 0; k < N * N; ++k) t[k] = a[static_cast<std::size_t>(k)];
  return t;
}

template <int N>
long double worst_marginal(math::tile<double, N> const& p) {
  long double worst = 0;
  for (int i = 0; i < N; ++i) {
    long double row = -1, column = -1;
    for (int j = 0; j < N; ++j) {
      row += p.at[i][j];
      column += p.at[j][i];
    }
    worst = std::max({worst, std::abs(row), std::abs(column)});
  }
  return worst;
}

}  // namespace

TEST_CASE("every piece of a graph is solved by itself", "[math][balance]") {
  // columns 0 and 2 are joined with weight 2, column 1 hangs on nothing, 3 and 4 with weight 1/2
  constexpr int N = 5;
  math::tile<double, N> w{};
  w.at[0][2] = 2;
  w.at[3][4] = .5;
  math::vec<double, N> mu{}, rhs{{3, 0, -3, 1, -1}};
  auto const beta = math::solve_pieces(w, mu, rhs);
  REQUIRE(beta[0] - beta[2] == 1.5);
  REQUIRE(beta[3] - beta[4] == 2);
  REQUIRE((beta[1] == 0 && beta[2] == 0 && beta[4] == 0));
}

TEST_CASE("μ ties every column to 0", "[math][balance]") {
  constexpr int N = 3;
  math::tile<double, N> w{};
  w.at[0][1] = 1;
  math::vec<double, N> mu{{.5, .25, 2}}, rhs{{1, 1, 1}};
  auto const beta = math::solve_pieces(w, mu, rhs);  // 1.5 a − b = 1, 1.25 b − a = 1, 2c = 1
  REQUIRE(std::abs(1.5 * beta[0] - beta[1] - 1) <= 4 * eps<double>);
  REQUIRE(std::abs(1.25 * beta[1] - beta[0] - 1) <= 4 * eps<double>);
  REQUIRE(beta[2] == .5);
}

TEST_CASE("balanced takes small errors of the marginals out and leaves zeros alone", "[math][balance]") {
  std::vector<std::vector<double>> const plans{
      {.1, .2, .7, .2, .7, .1, .7, .1, .2}, {1, 0, 0, 0, .25, .75, 0, .75, .25}, {0, 1, 0, 0, 0, 1, 1, 0, 0}};
  for (auto plan : plans) {
    auto const noise = gaussian<double>(9, 1e-8);
    for (std::size_t k = 0; k < 9; ++k) plan[k] *= 1 + noise[k];
    auto const p = math::balanced(tile_of<3>(plan));
    REQUIRE(worst_marginal(tile_of<3>(plan)) > 1e-9L);
    REQUIRE(worst_marginal(p) <= 1e-10L);  // μ leaves its share, about a hundredth
    for (int k = 0; k < 9; ++k) REQUIRE((p[k] == 0) == (plan[static_cast<std::size_t>(k)] == 0));
  }
}
