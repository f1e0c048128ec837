// SPDX-License-Identifier: MIT
// The second derivative of the exact projection, against the complex step of a first derivative that comes from the
// dense system of the marginals.

#include "support/project.hpp"

#include "support/refusals.hpp"

#include <mhc/interop/complex.hpp>

#include <complex>

using namespace mhc::test;

namespace {

template <class T>
struct second {
  std::vector<T> plan_gradient, logits;
};

template <class Case, class T = typename Case::value, class P>
second<T> second_vjp(P const& projection, std::vector<T> const& logits, std::vector<T> const& g,
                     std::vector<T> const& u, typename Case::policy const& policy = typename Case::policy{}) {
  constexpr int N = Case::n;
  std::ptrdiff_t const batch = matrices<T, N>(logits);
  guarded<T> const z(logits), p(project<Case>(projection, logits, policy)), gs(g), us(u);
  guarded<T> plan_gradient(batch * N * N), result(batch * N * N);
  mhc::project_vjp_vjp(policy, projection, mhc::vector_view<T const, N * N>{z.data(), batch},
                       mhc::batch_view<T const, N>{p.data(), batch}, {gs.data(), batch}, {us.data(), batch},
                       {plan_gradient.data(), batch}, {result.data(), batch});
  return {plan_gradient.values(), result.values()};
}

/// ∂/∂Z of ⟨U, L(Z)⟩, L(Z) = ∂⟨G, P(Z)⟩/∂Z, of one matrix: the mixed second derivative ∂²/∂s∂t of ⟨G, P(Z + sU + tE)⟩ at
/// 0, as the derivative by a complex step in t of the jvp along U, from the linear system of the marginals.
std::vector<long double> expected(std::vector<long double> const& z, std::vector<long double> const& g,
                                  std::vector<long double> const& u, std::size_t n) {
  auto const loss = [&](std::vector<std::vector<reference::complex>> const& in) {
    auto const p = reference::exact(in[0], n);  // carries the imaginary part of Z
    return reference::contraction(g, reference::implicit_derivative(p, u, n));
  };
  return reference::gradients(loss, {z})[0];
}

using cases = joined<both_policies<double, 1, 2, 3, 4, 8>, both_policies<float, 3, 4>>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("the vjp of the vjp of entropic", "[ops][project_vjp_vjp][gradient]", cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  std::ptrdiff_t const batch = N > 4 ? 3 : 2 * lane_count<T> + 1;
  for (double const sigma : {1., 3.}) {
    CAPTURE(sigma, N);
    auto const z = gaussian<T>(batch * N * N, sigma, 2), g = gaussian<T>(batch * N * N, 1, 3),
               u = gaussian<T>(batch * N * N, 1, 4);
    auto const actual = second_vjp<TestType>(mhc::entropic{}, z, g, u);
    std::vector<long double> derivative;
    for (std::ptrdiff_t b = 0; b < batch; ++b) {
      auto const at = [&](std::vector<T> const& a) { return widen(a, b * N * N, N * N); };
      auto const e = expected(at(z), at(g), at(u), N);
      derivative.insert(derivative.end(), e.begin(), e.end());
    }
    // as for the first derivative, twice: see entropic_vjp_test
    long double const bound = std::is_same_v<T, double> ? 1e-12L : 32 * N * N * eps<T>;
    long double const scale = std::max(1.L, largest(g) * largest(u));
    REQUIRE(error(actual.logits, derivative) <= bound * scale);
    REQUIRE(same_bits(actual.plan_gradient, project_jvp<TestType>(mhc::entropic{}, z, u)));
  }
}

TEMPLATE_LIST_TEST_CASE("the second derivative is symmetric and forgets lines", "[ops][project_vjp_vjp][law]",
                        few_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  auto const z = gaussian<T>(9 * N * N, 2), g = gaussian<T>(9 * N * N, 1, 3), u = gaussian<T>(9 * N * N, 1, 4);
  auto const one = second_vjp<TestType>(mhc::entropic{}, z, g, u).logits;
  REQUIRE(error(one, second_vjp<TestType>(mhc::entropic{}, z, u, g).logits) <= 16 * N * eps<T>);
  auto shifted = u;
  for (std::size_t k = 0; k < u.size(); ++k) shifted[k] += T(k / N % N) - T(2) * T(k % N);
  REQUIRE(error(one, second_vjp<TestType>(mhc::entropic{}, z, g, shifted).logits) <= 64 * N * N * eps<T>);
  for (std::ptrdiff_t b = 0; b < 9; ++b)
    for (int i = 0; i < N; ++i) {
      REQUIRE(std::abs(row_sum<N>(one, b, i)) <= 64 * N * eps<T>);
      REQUIRE(std::abs(column_sum<N>(one, b, i)) <= 64 * N * eps<T>);
    }
}

TEMPLATE_LIST_TEST_CASE("it is the derivative of project_vjp", "[ops][project_vjp_vjp][complex]", double_cases) {
  constexpr int N = TestType::n, K = N * N;
  constexpr double h = 1e-60;
  using complex = std::complex<double>;
  std::ptrdiff_t const batch = 5;
  auto const z = gaussian<double>(batch * K, 2), g = gaussian<double>(batch * K, 1, 3),
             u = gaussian<double>(batch * K, 1, 4), y = gaussian<double>(batch * K, 1, 5);
  auto const actual = second_vjp<TestType>(mhc::entropic{}, z, g, u).logits;
  std::vector<complex> zc, gc(g.begin(), g.end()), p(z.size()), l(z.size());
  for (std::size_t k = 0; k < z.size(); ++k) zc.emplace_back(z[k], h * y[k]);
  mhc::project(mhc::seq, mhc::entropic{.tolerance = 1e-15}, mhc::vector_view<complex const, K>{zc.data(), batch},
               mhc::batch_view<complex, N>{p.data(), batch});
  // the imaginary part of P by the jvp: a Newton iteration that has converged in its real part adds nothing to it
  auto const change = project_jvp<TestType>(mhc::entropic{}, z, y);
  for (std::size_t k = 0; k < p.size(); ++k) p[k] = complex(p[k].real(), h * change[k]);
  mhc::project_vjp(mhc::seq, mhc::entropic{}, mhc::vector_view<complex const, K>{zc.data(), batch},
                   mhc::batch_view<complex const, N>{p.data(), batch}, {gc.data(), batch}, {l.data(), batch});
  for (std::ptrdiff_t b = 0; b < batch; ++b) {
    double one = 0, two = 0;  // ⟨U, DL[Y]⟩ = ⟨∂⟨U, L⟩/∂Z, Y⟩
    for (auto k = static_cast<std::size_t>(b * K); k < static_cast<std::size_t>(b * K + K); ++k) {
      one += u[k] * l[k].imag() / h;
      two += actual[k] * y[k];
    }
    REQUIRE(std::abs(one - two) <= 1e-12 * std::max(1., std::abs(one)));
  }
}

TEST_CASE("project_vjp_vjp: shapes, aliasing, none, threads", "[ops][project_vjp_vjp][errors]") {
  using one = test_case<mhc::simd_t, double, 3>;
  auto const z = gaussian<double>(40 * 9), g = gaussian<double>(40 * 9, 1, 2), u = gaussian<double>(40 * 9, 1, 3);
  auto const expected_result = second_vjp<one>(mhc::entropic{}, z, g, u);
  REQUIRE(
      same_bits(second_vjp<one>(mhc::entropic{}, z, g, u, mhc::simd.with_threads(3)).logits, expected_result.logits));
  auto const plan = project<one>(mhc::entropic{}, z);
  auto in_place_g = g, in_place_u = u;
  auto const run = [&](std::ptrdiff_t size, double* g_out, double* z_out) {
    mhc::project_vjp_vjp(mhc::simd, mhc::entropic{}, mhc::vector_view<double const, 9>{z.data(), 40},
                         mhc::batch_view<double const, 3>{plan.data(), 40}, {in_place_g.data(), 40},
                         {in_place_u.data(), size}, {g_out, 40}, {z_out, 40});
  };
  require_refused([&] { run(39, in_place_g.data(), in_place_u.data()); },
                  {"mhc::project_vjp_vjp: cotangent has 39 tokens or matrices, expected 40"});
  require_refused([&] { run(40, nullptr, in_place_u.data()); },
                  {"mhc::project_vjp_vjp: plan_gradient_cotangent is null"});
  require_refused([&] { run(40, in_place_u.data(), in_place_u.data()); },
                  {"mhc::project_vjp_vjp: plan_gradient_cotangent overlaps cotangent"});
  REQUIRE(same_bits(in_place_u, u));
  run(40, in_place_g.data(), in_place_u.data());
  REQUIRE(same_bits(in_place_g, expected_result.plan_gradient));
  REQUIRE(same_bits(in_place_u, expected_result.logits));
  mhc::project_vjp_vjp(mhc::seq, mhc::entropic{}, mhc::vector_view<double const, 9>{nullptr, 0},
                       mhc::batch_view<double const, 3>{nullptr, 0}, {nullptr, 0}, {nullptr, 0}, {nullptr, 0},
                       {nullptr, 0});
}
