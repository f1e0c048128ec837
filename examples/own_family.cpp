// SPDX-License-Identifier: MIT
// A family of residual mixing of your own: a value with the number of its logits, the map, and its two derivatives, all
// written once over a lane type V. It then works with every operation and policy, and inside every connection.

#include <mhc/mhc.hpp>

#include <cmath>
#include <cstdio>
#include <vector>

/// Every stream keeps the share σ(z) and gives the rest to the mean of all: P = σ(z) I + (1 − σ(z)) J/N. One logit.
struct averaging {
  template <int N>
  static constexpr int logits = 1;

  template <int N, class V>
  MHC_HD mhc::math::tile<V, N> apply(mhc::math::vec<V, 1> const& z) const {
    return along<V, N>(mhc::math::sigmoid(z[0]), V(1));
  }
  template <class V, int N>
  MHC_HD mhc::math::vec<V, 1> vjp(mhc::math::vec<V, 1> const& z, mhc::math::tile<V, N> const&,
                                  mhc::math::tile<V, N> const& plan_gradient) const {
    auto const direction = along<V, N>(mhc::math::sigmoid_derivative(mhc::math::sigmoid(z[0])), V(0));
    V sum(0);
    MHC_UNROLL for (int k = 0; k < N * N; ++k) sum = sum + direction[k] * plan_gradient[k];
    return {sum};
  }
  template <class V, int N>
  MHC_HD mhc::math::tile<V, N> jvp(mhc::math::vec<V, 1> const& z, mhc::math::tile<V, N> const&,
                                   mhc::math::vec<V, 1> const& tangent) const {
    return along<V, N>(mhc::math::sigmoid_derivative(mhc::math::sigmoid(z[0])) * tangent[0], V(0));
  }

 private:
  /// share·I + (total − share)·J/N.
  template <class V, int N>
  MHC_HD static mhc::math::tile<V, N> along(V const& share, V const& total) {
    mhc::math::tile<V, N> p;
    MHC_UNROLL for (int k = 0; k < N * N; ++k) {
      p[k] = (total - share) / V(mhc::math::scalar_of<V>(N));
      if (k % (N + 1) == 0) p[k] = p[k] + share;
    }
    return p;
  }
};
static_assert(mhc::projection_onto<averaging, 4>);

int main() {
  constexpr int N = 4;
  constexpr std::ptrdiff_t tokens = 5, channels = 6;
  using connection = mhc::connection<double, N, averaging>;
  connection const kind{.channels = channels};

  auto const wave = [](std::ptrdiff_t count, double scale) {
    std::vector<double> a(static_cast<std::size_t>(count));
    for (std::size_t k = 0; k < a.size(); ++k) a[k] = scale * std::sin(1.7 * static_cast<double>(k) + .3);
    return a;
  };
  auto parameters = wave(mhc::parameter_count(kind), .5);
  auto const x = wave(tokens * N * channels, 1), u_gradient = wave(tokens * channels, 1);
  auto const h_post_gradient = wave(tokens * N, 1), h_res_gradient = wave(tokens * N * N, 1);
  std::vector<double> h_pre(tokens * N), h_post(tokens * N), h_res(tokens * N * N), u(tokens * channels);

  auto const loss = [&] {
    mhc::pre(mhc::simd, kind, mhc::parameters_at(kind, parameters.data()), {x.data(), tokens, channels},
             {h_pre.data(), tokens}, {h_post.data(), tokens}, {h_res.data(), tokens}, {u.data(), tokens, channels});
    double sum = 0;
    for (std::size_t k = 0; k < u.size(); ++k) sum += u_gradient[k] * u[k];
    for (std::size_t k = 0; k < h_post.size(); ++k) sum += h_post_gradient[k] * h_post[k];
    for (std::size_t k = 0; k < h_res.size(); ++k) sum += h_res_gradient[k] * h_res[k];
    return sum;
  };
  loss();
  std::puts("H_res of the first token:");
  for (std::size_t i = 0; i < N; ++i)
    std::printf("  %.3f %.3f %.3f %.3f\n", h_res[4 * i], h_res[4 * i + 1], h_res[4 * i + 2], h_res[4 * i + 3]);

  std::vector<double> x_gradient(x.size()), parameters_gradient(parameters.size());
  mhc::pre_vjp(mhc::simd, kind, mhc::parameters_at(kind, parameters.data()), {x.data(), tokens, channels},
               {u_gradient.data(), tokens, channels}, {h_post_gradient.data(), tokens}, {h_res_gradient.data(), tokens},
               {x_gradient.data(), tokens, channels}, mhc::parameters_at(kind, parameters_gradient.data()));

  double worst = 0;
  for (std::size_t k = 0; k < parameters.size(); ++k) {
    double const value = parameters[k], step = 1e-5;
    parameters[k] = value + step;
    double const above = loss();
    parameters[k] = value - step;
    double const below = loss();
    parameters[k] = value;
    worst = std::fmax(worst, std::abs((above - below) / (2 * step) - parameters_gradient[k]));
  }
  std::printf("gradients of %zu parameters agree with central differences within %.0e\n", parameters.size(), worst);
  return worst < 1e-7 ? 0 : 1;
}
