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

  std::printf("%d streams of %d channels were shuffled, and noise as strong as the signal was added.\n", N, C);
  std::puts("Gradient descent from the average of all orders, along the doubly stochastic matrices P:\n");
  std::puts("step  misfit f(P)  gradient  share of the nearest order in P");
  std::vector<double> plan(N * N, 1.0 / N), gradient(N * N), step(N * N);
  mhc::batch_view<double, N> const P{plan.data(), 1}, G{gradient.data(), 1}, U{step.data(), 1};
  std::vector<int> found;
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
    found = rounded.columns;
    if (k % 20 == 0) {
      std::printf("%4d  %11.4f  %8.1e  %.3f%s\n", k, f, norm, rounded.value / N,
                  found == truth ? "  the true one" : "");
    }
    for (double& u : step) u *= -step_length;
    mhc::retract(P, U, P);
  }
  std::printf("\ntrue order ");
  for (int const row : truth) std::printf(" %d", row);
  std::printf("\nfound order");
  for (int const row : found) std::printf(" %d", row);
  std::puts(found == truth ? "\nrecovered" : "\nnot recovered");
  return found == truth ? 0 : 1;
}
