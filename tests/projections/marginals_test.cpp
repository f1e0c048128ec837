// SPDX-License-Identifier: MIT
// The exact projection onto matrices with other row and column sums than 1.

#include "support/project.hpp"
#include "support/refusals.hpp"

using namespace mhc::test;

namespace {

template <int N>
mhc::entropic_with_marginals<N> lopsided(double scale = 1) {
  mhc::entropic_with_marginals<N> p;
  double rows = 0, columns = 0;
  for (int k = 0; k < N; ++k) rows += p.marginals.r[k] = scale * (1 + k);
  for (int k = 0; k < N; ++k) columns += p.marginals.c[k] = std::exp(.7 * (k % 3));
  for (int k = 0; k < N; ++k) p.marginals.c[k] *= rows / columns;
  return p;
}

/// Scaled in turn until both sums are right, in long double: the definition. With an imaginary part it carries the
/// derivative along, which the iteration contracts like everything else.
template <class S>
std::vector<S> scaled_in_turn(std::vector<S> const& z, double const* r, double const* c, std::size_t n) {
  std::vector<S> p(n * n);
  for (std::size_t k = 0; k < n * n; ++k) p[k] = std::exp(z[k]);
  for (int t = 0; t < 1000; ++t)
    for (bool const by_row : {false, true})
      for (std::size_t i = 0; i < n; ++i) {
        S sum = 0;
        for (std::size_t j = 0; j < n; ++j) sum += by_row ? p[i * n + j] : p[j * n + i];
        for (std::size_t j = 0; j < n; ++j) (by_row ? p[i * n + j] : p[j * n + i]) *= S(by_row ? r[i] : c[i]) / sum;
      }
  return p;
}

using cases = joined<both_policies<double, 1, 2, 3, 4, 6>, both_policies<float, 2, 4>>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("given marginals are met, by the scaling of exp(Z)", "[projections][entropic][marginals]",
                        cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  std::ptrdiff_t const batch = 3;
  for (double const scale : {1., 1e-3, 1e4}) {
    auto const map = lopsided<N>(scale);
    auto const most = static_cast<T>(map.marginals.template largest<double>());
    auto const z = gaussian<T>(batch * N * N, 1.5, 2), g = gaussian<T>(batch * N * N, 1, 3);
    auto const plan = project<TestType>(map, z);
    for (std::ptrdiff_t b = 0; b < batch; ++b)
      for (int i = 0; i < N; ++i) {
        REQUIRE(std::abs(row_sum<N>(plan, b, i) - map.marginals.r[i]) <= T(4 * N) * most * eps<T>);
        REQUIRE(std::abs(column_sum<N>(plan, b, i) - map.marginals.c[i]) <= T(4 * N) * most * eps<T>);
      }
    std::vector<long double> values, gradient;
    for (std::ptrdiff_t b = 0; b < batch; ++b) {
      auto const at = widen(z, b * N * N, N * N), weight = widen(g, b * N * N, N * N);
      auto const loss = [&](auto const& in) {
        return reference::contraction(weight, scaled_in_turn(in[0], map.marginals.r, map.marginals.c, N));
      };
      auto const p = scaled_in_turn(at, map.marginals.r, map.marginals.c, N);
      auto const d = reference::gradients(loss, {at})[0];
      values.insert(values.end(), p.begin(), p.end());
      gradient.insert(gradient.end(), d.begin(), d.end());
    }
    // entropic_test and entropic_vjp_test derive these
    T const bound = T(4 * N * N + 16) * most * eps<T>;
    REQUIRE(error(plan, values) <= bound);
    REQUIRE(error(project_vjp<TestType>(map, z, g), gradient) <= 8 * N * bound);
  }
}

TEST_CASE("marginals of 1 are the Birkhoff polytope", "[projections][entropic][marginals]") {
  using one = test_case<mhc::simd_t, double, 4>;
  auto const z = gaussian<double>(9 * 16, 3);
  mhc::entropic_with_marginals<4> const ones{.marginals = {.r = {1, 1, 1, 1}, .c = {1, 1, 1, 1}}};
  REQUIRE(error(project<one>(ones, z), project<one>(mhc::entropic{}, z)) <= 8 * eps<double>);
}

TEST_CASE("the report measures against the given marginals", "[projections][entropic][marginals][report]") {
  auto const map = lopsided<3>();
  auto const z = gaussian<double>(7 * 9, 3);
  std::vector<double> plan(z.size()), report(7 * 3);
  mhc::project(mhc::simd, map, mhc::vector_view<double const, 9>{z.data(), 7},
               mhc::batch_view<double, 3>{plan.data(), 7}, {report.data(), 7});
  for (std::size_t b = 0; b < 7; ++b) {
    REQUIRE(report[3 * b + mhc::report_error] <= 8 * 3 * eps<double>);
    REQUIRE(report[3 * b + mhc::report_converged] == 1);
  }
}

TEST_CASE("a mask that suits these marginals and not others", "[projections][entropic][marginals][mask]") {
  using one = test_case<mhc::cpu::sequential_policy, double, 2>;
  std::vector<double> const corner{0, -infinity<double>, 0, 0};
  mhc::entropic_with_marginals<2> const wide{.marginals = {.r = {1, 3}, .c = {2, 2}}};
  REQUIRE(error(project<one>(wide, corner), std::vector<double>{1, 0, 1, 2}) <= 8 * eps<double>);
  mhc::entropic_with_marginals<2> const narrow{.marginals = {.r = {3, 1}, .c = {2, 2}}};
  require_refused([&] { project<one>(narrow, corner); }, {"scaling: mhc::project: logits of matrix 0 are -infinity"});
}

TEST_CASE("marginals out of range are refused", "[projections][entropic][marginals][errors]") {
  using one = test_case<mhc::cpu::sequential_policy, double, 2>;
  std::vector<double> const z(4);
  mhc::entropic_with_marginals<2> const unset;
  require_refused([&] { project<one>(unset, z); }, {"option: mhc::project: entropic.marginals.r[0] is 0.000000"});
  mhc::entropic_with_marginals<2> const negative{.marginals = {.r = {1, 1}, .c = {3, -1}}};
  require_refused([&] { project<one>(negative, z); }, {"option: mhc::project: entropic.marginals.c[1] is -1.000000"});
  mhc::entropic_with_marginals<2> const unequal{.marginals = {.r = {1, 1}, .c = {1, 1.5}}};
  require_refused([&] { project<one>(unequal, z); },
                  {"option: mhc::project: entropic.marginals.r sums to 2.000000 and c to 2.500000"});
}
