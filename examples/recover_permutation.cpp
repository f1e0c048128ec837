// SPDX-License-Identifier: MIT
// Eight streams arrive shuffled and noisy: Y = ΠX + noise, with X known. Riemannian gradient descent on the positive
// doubly stochastic matrices minimises f(P) = ‖PX − Y‖²/(2C), starting from the average of all permutations; the
// permutation nearest to where it ends is the answer.

#include <mhc/geometry/retraction.hpp>
#include <mhc/geometry/rounding.hpp>
#include <mhc/geometry/tangent.hpp>

#include <algorithm>
#include <cstdio>
#include <numeric>
#include <random>
#include <vector>

int main() {
  constexpr int N = 8, C = 32, steps = 200;
  constexpr double noise = 1, step_length = 0.5;
  std::mt19937 generator{2026};
  std::normal_distribution<double> normal;

  std::vector<int> truth(N);  // row i of ΠX is row truth[i] of X
  std::iota(truth.begin(), truth.end(), 0);
  std::shuffle(truth.begin(), truth.end(), generator);
  double x[N][C], y[N][C];
  for (auto& row : x)
    for (double& value : row) value = normal(generator);
  for (int i = 0; i < N; ++i)
    for (int c = 0; c < C; ++c) y[i][c] = x[truth[static_cast<std::size_t>(i)]][c] + noise * normal(generator);

  std::vector<double> plan(N * N, 1.0 / N), gradient(N * N), step(N * N);
  mhc::batch_view<double, N> const P{plan.data(), 1}, G{gradient.data(), 1}, U{step.data(), 1};
  bool recovered = false;
  for (int k = 0; k <= steps; ++k) {
    double f = 0, norm = 0;
    std::fill(gradient.begin(), gradient.end(), 0);
    for (int i = 0; i < N; ++i)
      for (int c = 0; c < C; ++c) {
        double residual = -y[i][c];
        for (int j = 0; j < N; ++j) residual += P(0, i, j) * x[j][c];
        f += residual * residual / (2 * C);
        for (int j = 0; j < N; ++j) G(0, i, j) += residual * x[j][c] / C;  // ∂f/∂P
      }
    mhc::riemannian_gradient(P, G, U);
    mhc::fisher_norm(P, U, mhc::vector_view<double, 1>{&norm, 1});
    auto const rounded = mhc::nearest_permutation(mhc::matrix_at(P, 0));
    recovered = rounded.columns == truth;
    if (k % 20 == 0) {
      std::printf("step %3d  f %.4f  |grad f| %.1e  weight on the nearest permutation %.3f  %s\n", k, f, norm,
                  rounded.value / N, recovered ? "recovered" : "-");
    }
    for (double& u : step) u *= -step_length;
    mhc::retract(P, U, P);
  }
  std::puts(recovered ? "The permutation is recovered." : "The permutation is not recovered.");
  return recovered ? 0 : 1;
}
