// SPDX-License-Identifier: MIT
// A whole layer, forward and backward, against automatic differentiation in float64 (layer_float64.py).

#include "data/layer_float64.hpp"
#include "support/arrays.hpp"
#include "support/cases.hpp"

#include <mhc/mhc.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

using namespace mhc::test;

template <class P, class T, class Data>
struct data_case : test_case<P, T, Data::n> {
  using data = Data;
};
template <class T>
using on_data = std::tuple<
    data_case<mhc::cpu::sequential_policy, T, data::four_streams>, data_case<mhc::simd_t, T, data::four_streams>,
    data_case<mhc::cpu::sequential_policy, T, data::three_streams>, data_case<mhc::simd_t, T, data::three_streams>>;
using layer_cases = joined<on_data<double>, on_data<float>>;

/// How large the terms are that the gradient of α is a sum of, Σ |φ_kc x_c ∂loss/∂b_k| / rms(x): of three_streams 61 times as
/// large as what is left of them, so that relative to that the best that rounding allows is no small number.
template <class Data>
double alpha_terms(Data const& e) {
  constexpr int N = Data::n, K = 2 * N + N * N;
  constexpr std::ptrdiff_t B = Data::batch, C = Data::channels, M = N * C;
  mhc::connection<double, N, mhc::sinkhorn<>> const connection{.channels = C, .projection = {.iterations = 20}};
  mhc::connection_parameters<double const, N, mhc::sinkhorn<>> const parameters{e.phi.data(), e.alpha.data(),
                                                                                e.bias.data()};
  std::vector<double> h_pre(N), h_post(N), h_res(N * N), u(C), y(C), res(N * N), post(N), back(C), x_gradient(M);
  double terms[3] = {};
  for (std::ptrdiff_t b = 0; b < B; ++b) {
    mhc::stream_view<double const, N> const x{e.x.data() + b * M, 1, C}, weight{e.weight.data() + b * M, 1, C};
    mhc::stream_view<double, N> const gx{x_gradient.data(), 1, C};
    mhc::pre(mhc::seq, connection, parameters, x, {h_pre.data(), 1}, {h_post.data(), 1}, {h_res.data(), 1},
             {u.data(), 1, C});
    for (std::size_t c = 0; c < u.size(); ++c) y[c] = std::tanh(u[c]);
    mhc::mix_vjp(mhc::seq, {h_res.data(), 1}, {h_post.data(), 1}, x, {y.data(), 1, C}, weight, {res.data(), 1},
                 {post.data(), 1}, gx, {back.data(), 1, C});
    for (std::size_t c = 0; c < u.size(); ++c) back[c] *= 1 - y[c] * y[c];
    std::vector<double> phi_gradient(e.phi.size()), alpha_gradient(3), bias_gradient(K);
    mhc::pre_vjp(mhc::seq, connection, parameters, x, {back.data(), 1, C}, {post.data(), 1}, {res.data(), 1}, gx,
                 {phi_gradient.data(), alpha_gradient.data(), bias_gradient.data()});
    double square = 0;
    for (std::ptrdiff_t c = 0; c < M; ++c) square += x.data[c] * x.data[c];
    for (int k = 0; k < K; ++k)
      for (std::ptrdiff_t c = 0; c < M; ++c)
        terms[k < N       ? 0
              : k < 2 * N ? 1
                          : 2] += std::abs(e.phi[static_cast<std::size_t>(k * M + c)] * x.data[c] *
                                           bias_gradient[static_cast<std::size_t>(k)]) /
                                  std::sqrt(square / M);
  }
  return *std::max_element(terms, terms + 3);
}

TEMPLATE_LIST_TEST_CASE("a layer equals float64 automatic differentiation", "[data][gradient]", layer_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  typename TestType::policy const policy{};
  typename TestType::data const e;
  constexpr std::ptrdiff_t B = TestType::data::batch, C = TestType::data::channels;
  // relative to the largest entry of each array: some hundred roundings in sequence in double, some tens of eps in float
  T const bound = std::is_same_v<T, double> ? T(1e-12) : T(3e-6);

  auto const of = [](std::vector<double> const& a) { return guarded<T>(std::vector<T>(a.begin(), a.end())); };
  auto const x = of(e.x), phi = of(e.phi), alpha = of(e.alpha), bias = of(e.bias), weight = of(e.weight);
  guarded<T> h_pre(B * N), h_post(B * N), h_res(B * N * N), u(B * C), y(B * C), x_next(B * N * C);
  mhc::connection<T, N, mhc::sinkhorn<>> const connection{.channels = C, .projection = {.iterations = 20}};
  mhc::connection_parameters<T const, N, mhc::sinkhorn<>> const parameters{phi.data(), alpha.data(), bias.data()};
  mhc::stream_view<T const, N> const xv{x.data(), B, C};
  mhc::pre(policy, connection, parameters, xv, {h_pre.data(), B}, {h_post.data(), B}, {h_res.data(), B},
           {u.data(), B, C});
  for (std::ptrdiff_t k = 0; k < B * C; ++k) y[k] = std::tanh(u[k]);
  mhc::mix(policy, {h_res.data(), B}, {h_post.data(), B}, xv, {y.data(), B, C}, {x_next.data(), B, C});
  REQUIRE(relative_error(h_pre, e.h_pre) <= bound);
  REQUIRE(relative_error(h_post, e.h_post) <= bound);
  REQUIRE(relative_error(h_res, e.h_res) <= bound);
  REQUIRE(relative_error(u, e.u) <= bound);
  REQUIRE(relative_error(x_next, e.x_next) <= bound);

  guarded<T> res_gradient(B * N * N), post_gradient(B * N), y_gradient(B * C), u_gradient(B * C), x_gradient(B * N * C);
  guarded<T> phi_gradient(phi.size(), T(0)), alpha_gradient(3, T(0)), bias_gradient(bias.size(), T(0));
  mhc::mix_vjp(policy, {h_res.data(), B}, {h_post.data(), B}, xv, {y.data(), B, C}, {weight.data(), B, C},
               {res_gradient.data(), B}, {post_gradient.data(), B}, {x_gradient.data(), B, C},
               {y_gradient.data(), B, C});
  for (std::ptrdiff_t k = 0; k < B * C; ++k) u_gradient[k] = y_gradient[k] * (1 - y[k] * y[k]);
  mhc::pre_vjp(policy, connection, parameters, xv, {u_gradient.data(), B, C}, {post_gradient.data(), B},
               {res_gradient.data(), B}, {x_gradient.data(), B, C},
               {phi_gradient.data(), alpha_gradient.data(), bias_gradient.data()}, mhc::update::accumulate);
  REQUIRE(relative_error(x_gradient, e.x_gradient) <= bound);
  REQUIRE(relative_error(phi_gradient, e.phi_gradient) <= bound);
  REQUIRE(error(alpha_gradient, e.alpha_gradient) <= 4 * std::numeric_limits<T>::epsilon() * alpha_terms(e));
  REQUIRE(relative_error(bias_gradient, e.bias_gradient) <= bound);
}
