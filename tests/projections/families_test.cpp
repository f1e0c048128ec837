// SPDX-License-Identifier: MIT
// Every family and convention inside a connection, and over complex numbers.

#include "support/families.hpp"

#include "support/convention_reference.hpp"

#include <mhc/interop/complex.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/pre/pre.hpp>
#include <mhc/projections/circulant.hpp>
#include <mhc/projections/euclidean.hpp>
#include <mhc/projections/identity.hpp>
#include <mhc/projections/kronecker.hpp>
#include <mhc/projections/orthogonal.hpp>
#include <mhc/projections/orthostochastic.hpp>
#include <mhc/projections/permutation.hpp>
#include <mhc/projections/sinkhorn.hpp>
#include <mhc/projections/transport.hpp>
#include <mhc/projections/unconstrained.hpp>

#include <complex>
#include <tuple>

using namespace mhc::test;

/// A family, its definition, and the order to try it with.
template <class Family, class Reference, int Order>
struct member {
  using family = Family;
  using definition = Reference;
  static constexpr int n = Order;
};

using members = std::tuple<member<mhc::identity, reference::identity, 4>,                   //
                           member<mhc::unconstrained, reference::unconstrained, 3>,         //
                           member<mhc::permutation, reference::permutation, 3>,             //
                           member<mhc::kronecker, reference::kronecker, 4>,                 //
                           member<mhc::circulant, reference::circulant, 5>,                 //
                           member<mhc::orthogonal, reference::orthogonal, 4>,               //
                           member<mhc::orthostochastic<2>, reference::orthostochastic, 2>,  //
                           member<mhc::transport, reference::transport, 4>,                 //
                           member<mhc::euclidean, reference::euclidean, 3>,                 //
                           member<mhc::sinkhorn<mhc::convention::deepseek_v4>, reference::deepseek_v4, 4>,
                           member<mhc::sinkhorn<mhc::convention::megatron>, reference::megatron, 3>,
                           member<mhc::sinkhorn<mhc::convention::log_domain>, reference::log_domain, 4>>;

/// mHC, arXiv:2512.24880, eq. 7–8, with any map to H_res: Σ over the tokens of the outputs against their gradients.
template <class Reference>
struct loss_of_connection {
  std::size_t n, channels, batch;
  std::vector<long double> u_gradient, h_post_gradient, h_res_gradient;
  Reference map = {};

  template <class S>  // in: phi, alpha, bias, x
  S operator()(std::vector<std::vector<S>> const& in) const {
    std::size_t const length = n * channels, count = in[2].size();
    S loss = 0;
    for (std::size_t b = 0; b < batch; ++b) {
      S const* x = in[3].data() + b * length;
      auto const xn = reference::normalised(std::vector<S>(x, x + length), 1e-20L);
      std::vector<S> h(count);
      for (std::size_t k = 0; k < count; ++k) {
        for (std::size_t c = 0; c < length; ++c) h[k] += in[0][k * length + c] * xn[c];
        h[k] = in[1][k < n ? 0 : k < 2 * n ? 1 : 2] * h[k] + in[2][k];
      }
      for (std::size_t i = 0; i < n; ++i) {
        for (std::size_t c = 0; c < channels; ++c)
          loss += u_gradient[b * channels + c] * reference::sigmoid(h[i]) * x[i * channels + c];
        loss += h_post_gradient[b * n + i] * S(2) * reference::sigmoid(h[n + i]);
      }
      auto const p = map(std::vector<S>(h.begin() + static_cast<std::ptrdiff_t>(2 * n), h.end()), n);
      for (std::size_t k = 0; k < n * n; ++k) loss += h_res_gradient[b * n * n + k] * p[k];
    }
    return loss;
  }
};

template <class Policy, class Member>
void require_gradients_in_connection(Policy const& policy) {
  constexpr int N = Member::n;
  constexpr std::ptrdiff_t batch = 3, channels = 2;
  using kind = mhc::connection<double, N, typename Member::family>;
  kind const connection{.channels = channels};
  auto phi = gaussian<double>(mhc::phi_size(connection), .5, 1),
       bias = gaussian<double>(mhc::bias_size(connection), 1, 2);
  std::vector<double> alpha{.7, 1.3, .9};
  auto const x = gaussian<double>(batch * N * channels, 1, 3), u_gradient = gaussian<double>(batch * channels, 1, 4);
  auto const h_post_gradient = gaussian<double>(batch * N, 1, 5),
             h_res_gradient = gaussian<double>(batch * N * N, 1, 6);
  mhc::parameters_of<kind> const parameters{phi.data(), alpha.data(), bias.data()};

  std::vector<double> h_pre(batch * N), h_post(batch * N), h_res(batch * N * N), u(batch * channels);
  mhc::pre(policy, connection, parameters, {x.data(), batch, channels}, {h_pre.data(), batch}, {h_post.data(), batch},
           {h_res.data(), batch}, {u.data(), batch, channels});
  long double value = 0;
  for (std::size_t k = 0; k < u.size(); ++k) value += static_cast<long double>(u_gradient[k]) * u[k];
  for (std::size_t k = 0; k < h_post.size(); ++k) value += static_cast<long double>(h_post_gradient[k]) * h_post[k];
  for (std::size_t k = 0; k < h_res.size(); ++k) value += static_cast<long double>(h_res_gradient[k]) * h_res[k];
  loss_of_connection<typename Member::definition> const loss{
      N, channels, batch, widen(u_gradient), widen(h_post_gradient), widen(h_res_gradient)};
  reference::arrays const at{widen(phi), widen(alpha), widen(bias), widen(x)};
  REQUIRE(std::abs(value - loss(at)) <= 1e-13L);

  std::vector<double> x_gradient(x.size()), phi_gradient(phi.size()), alpha_gradient(3), bias_gradient(bias.size());
  mhc::pre_vjp(policy, connection, parameters, {x.data(), batch, channels}, {u_gradient.data(), batch, channels},
               {h_post_gradient.data(), batch}, {h_res_gradient.data(), batch}, {x_gradient.data(), batch, channels},
               {phi_gradient.data(), alpha_gradient.data(), bias_gradient.data()});
  auto const expected = reference::gradients(loss, at);
  CHECK(relative_error(phi_gradient, expected[0]) <= 1e-12L);
  CHECK(relative_error(alpha_gradient, expected[1]) <= 1e-12L);
  CHECK(relative_error(bias_gradient, expected[2]) <= 1e-12L);
  CHECK(relative_error(x_gradient, expected[3]) <= 1e-12L);
}

TEMPLATE_LIST_TEST_CASE("a connection with this family: outputs and every gradient", "[projections][connection]",
                        members) {
  require_gradients_in_connection<mhc::cpu::sequential_policy, TestType>(mhc::seq);
  require_gradients_in_connection<mhc::simd_t, TestType>(mhc::simd);
}

TEMPLATE_LIST_TEST_CASE("this family over complex numbers carries its own derivative", "[projections][complex]",
                        members) {
  constexpr int N = TestType::n, K = mhc::logits_of<typename TestType::family, N>;
  using one = test_case<mhc::cpu::sequential_policy, double, N>;
  constexpr double h = 1e-60;
  typename TestType::family const family{};
  auto const logits = random_logits<one>(family, 7, 1), tangent = random_logits<one>(family, 7, 1, 2);
  std::vector<std::complex<double>> z, p(7 * N * N);
  for (std::size_t k = 0; k < logits.size(); ++k) z.emplace_back(logits[k], h * tangent[k]);
  mhc::project(mhc::seq, family, mhc::vector_view<std::complex<double> const, K>{z.data(), 7},
               mhc::batch_view<std::complex<double>, N>{p.data(), 7});
  std::vector<double> derivative;
  for (auto const& entry : p) derivative.push_back(entry.imag() / h);
  CHECK(relative_error(jvps<one>(family, logits, tangent, 7), derivative) <= 1e-12L);
}
