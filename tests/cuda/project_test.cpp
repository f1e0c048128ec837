// SPDX-License-Identifier: MIT
// Projections: the device against mhc::seq in the same type and in long double.

#include "support/project.hpp"

#include "cuda/support/device.hpp"
#include "support/families.hpp"

#include <mhc/ops/marginal_error/marginal_error.hpp>
#include <mhc/projections/identity.hpp>
#include <mhc/projections/permutation.hpp>
#include <mhc/projections/transport.hpp>

using namespace mhc::test;
using mhc::batch_view;
using mhc::vector_view;

template <class T, int N, class P>
struct projection_case : test_case<device_policy, T, N> {
  using projection = P;
};

using projection_cases =
    std::tuple<projection_case<float, 1, mhc::sinkhorn<>>, projection_case<float, 3, mhc::sinkhorn<>>,
               projection_case<float, 4, mhc::sinkhorn<>>, projection_case<float, 5, mhc::sinkhorn<>>,
               projection_case<double, 2, mhc::sinkhorn<>>, projection_case<double, 4, mhc::sinkhorn<>>,
               projection_case<double, 6, mhc::sinkhorn<>>, projection_case<float, 4, mhc::entropic>,
               projection_case<float, 8, mhc::entropic>, projection_case<double, 3, mhc::entropic>,
               projection_case<float, 4, mhc::sinkhorn<mhc::convention::deepseek_v4>>,
               projection_case<float, 4, mhc::sinkhorn<mhc::convention::megatron>>,
               projection_case<double, 3, mhc::sinkhorn<mhc::convention::log_domain>>,
               projection_case<float, 4, mhc::identity>, projection_case<float, 4, mhc::permutation>,
               projection_case<double, 4, mhc::transport>>;

template <class T>
struct projected {
  std::vector<T> plan, vjp, jvp;
};

/// Plan and both derivatives, which read the given plan, so that they are compared alone.
template <class T, int N, class Policy, class P, class U>
projected<T> run(Policy const& policy, P const& projection, std::vector<U> const& logits, std::vector<U> const& tangent,
                 std::vector<U> const& cotangent, std::ptrdiff_t batch) {
  constexpr int K = mhc::logits_of<P, N>;
  auto const as = [](std::vector<U> const& a) { return guarded<T>(std::vector<T>(a.begin(), a.end())); };
  auto const z = as(logits), d = as(tangent), g = as(cotangent);
  guarded<T> plan(batch * N * N), vjp(batch * K), jvp(batch * N * N);
  vector_view<T const, K> const zv{K > 0 ? z.data() : nullptr, batch}, dv{K > 0 ? d.data() : nullptr, batch};
  mhc::project(policy, projection, zv, batch_view<T, N>{plan.data(), batch});
  batch_view<T const, N> const pv{plan.data(), batch};
  mhc::project_vjp(policy, projection, zv, pv, {g.data(), batch},
                   vector_view<T, K>{K > 0 ? vjp.data() : nullptr, batch});
  mhc::project_jvp(policy, projection, zv, pv, dv, {jvp.data(), batch});
  return {plan.values(), vjp.values(), jvp.values()};
}

template <class Case, class P>
void check(P const& projection, std::ptrdiff_t batch, double sigma, bool misaligned = false) {
  using T = typename Case::value;
  constexpr int N = Case::n, K = mhc::logits_of<P, N>;
  CAPTURE(N, batch, sigma, misaligned);
  auto const seed = static_cast<unsigned>(batch) + 100 * static_cast<unsigned>(sigma);
  auto const z = gaussian<T>(batch * K, sigma, seed), d = gaussian<T>(batch * K, 1, seed + 1),
             g = gaussian<T>(batch * N * N, 1, seed + 2);
  device_policy const device{misaligned};
  auto const actual = run<T, N>(device, projection, z, d, g, batch);
  auto const same = run<T, N>(mhc::seq, projection, z, d, g, batch);
  auto const exact = run<long double, N>(mhc::seq, projection, z, d, g, batch);
  // No further from the truth than the host is, but for a few roundings of its own.
  auto const close = [](std::vector<T> const& a, std::vector<T> const& host, std::vector<long double> const& e) {
    return relative_error(a, e) <= 4 * relative_error(host, e) + 64 * N * eps<T>;
  };
  CHECK(close(actual.plan, same.plan, exact.plan));
  CHECK(close(actual.vjp, same.vjp, exact.vjp));
  CHECK(close(actual.jvp, same.jvp, exact.jvp));
  auto const again = run<T, N>(device, projection, z, d, g, batch);
  CHECK(same_bits(again.plan, actual.plan));
  CHECK(same_bits(again.vjp, actual.vjp));
  CHECK(same_bits(again.jvp, actual.jvp));
}

TEMPLATE_LIST_TEST_CASE("projections on the device", "[cuda][project]", projection_cases) {
  typename TestType::projection const projection{};
  for (std::ptrdiff_t const batch : {0, 1, 31, 129}) check<TestType>(projection, batch, 1);
  check<TestType>(projection, 33, .5, true);
}

using gradient_cases = std::tuple<test_case<device_policy, float, 4>, test_case<device_policy, double, 6>>;

TEMPLATE_LIST_TEST_CASE("gradients of sinkhorn on the device, as they are named", "[cuda][project]", gradient_cases) {
  for (auto const gradient : {mhc::gradient::unrolled, mhc::gradient::implicit, mhc::gradient::automatic}) {
    CAPTURE(static_cast<int>(gradient));
    check<TestType>(mhc::sinkhorn<>{.iterations = 70, .gradient = gradient}, 40, 1);
  }
}

TEST_CASE("logits too wide for the linear domain, on the device", "[cuda][project]") {
  using one = test_case<device_policy, float, 4>;
  check<one>(mhc::sinkhorn<>{}, 40, 60);
  using two = test_case<device_policy, double, 3>;
  check<two>(mhc::entropic{}, 40, 30);
}

TEST_CASE("many matrices on the device", "[cuda][project][large]") {
  using one = test_case<device_policy, float, 4>;
  check<one>(mhc::sinkhorn<>{.gradient = mhc::gradient::implicit}, 3001, 1);
}

using nan_cases = std::tuple<projection_case<float, 4, mhc::sinkhorn<>>, projection_case<float, 4, mhc::entropic>>;

TEMPLATE_LIST_TEST_CASE("a NaN on the device stays in its matrix", "[cuda][project][nonfinite]", nan_cases) {
  require_nan_stays<TestType>(typename TestType::projection{});
}

using report_cases = std::tuple<test_case<device_policy, float, 4>, test_case<device_policy, double, 3>>;

TEMPLATE_LIST_TEST_CASE("the report of entropic on the device", "[cuda][project]", report_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  auto const logits = gaussian<T>(37 * N * N, 2, 3);
  guarded<T> const z(logits);
  guarded<T> plan(37 * N * N), report(37 * 3), other(37 * N * N);
  vector_view<T const, N * N> const zv{z.data(), 37};
  mhc::project(device_policy{}, mhc::entropic{}, zv, batch_view<T, N>{plan.data(), 37}, {report.data(), 37});
  mhc::project(device_policy{}, mhc::entropic{}, zv, batch_view<T, N>{other.data(), 37});
  CHECK(same_bits(plan, other));
  for (std::ptrdiff_t b = 0; b < 37; ++b) {
    CHECK(report[3 * b + mhc::report_converged] == 1);
    CHECK(report[3 * b + mhc::report_error] <= 4 * N * eps<T>);
  }
}

TEST_CASE("the report of entropic with other marginals, on the device", "[cuda][project]") {
  mhc::entropic_with_marginals<3> const projection{.marginals = {.r = {1, 2, 3}, .c = {3, 2, 1}}};
  auto const logits = gaussian<double>(37 * 9, 2, 3);
  guarded<double> const z(logits);
  guarded<double> plan(37 * 9), report(37 * 3);
  mhc::project(device_policy{}, projection, {z.data(), 37}, batch_view<double, 3>{plan.data(), 37},
               {report.data(), 37});
  for (std::ptrdiff_t b = 0; b < 37; ++b) {
    CHECK(report[3 * b + mhc::report_converged] == 1);
    CHECK(report[3 * b + mhc::report_error] <= 3 * 4 * 3 * eps<double>);
  }
}

TEMPLATE_LIST_TEST_CASE("the second derivative of entropic on the device", "[cuda][project][gradient]", report_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n, K = N * N;
  constexpr std::ptrdiff_t batch = 37;
  auto const z = gaussian<T>(batch * K, 2, 3), g = gaussian<T>(batch * K, 1, 4), u = gaussian<T>(batch * K, 1, 5);
  auto const second = [&]<class U>(auto const& policy, U) {
    auto const as = [](std::vector<T> const& a) { return guarded<U>(std::vector<U>(a.begin(), a.end())); };
    auto const zs = as(z), gs = as(g), us = as(u);
    guarded<U> plan(batch * K), to_g(batch * K), to_z(batch * K);
    mhc::project(mhc::seq, mhc::entropic{}, {zs.data(), batch}, batch_view<U, N>{plan.data(), batch});
    mhc::project_vjp_vjp(policy, mhc::entropic{}, {zs.data(), batch}, batch_view<U const, N>{plan.data(), batch},
                         {gs.data(), batch}, {us.data(), batch}, {to_g.data(), batch}, {to_z.data(), batch});
    return std::pair(to_g.values(), to_z.values());
  };
  auto const [g_out, z_out] = second(device_policy{}, T{});
  auto const [g_exact, z_exact] = second(mhc::seq, 0.0L);
  CHECK(relative_error(g_out, g_exact) <= 32 * K * eps<T>);  // as the tests of the host
  CHECK(relative_error(z_out, z_exact) <= 32 * K * eps<T>);
}

// As in kernels_test.cpp.
TEMPLATE_TEST_CASE("each kernel of projections", "[cuda][kernels]", mhc::sinkhorn<>, mhc::entropic, mhc::permutation) {
  constexpr int N = 4, K = mhc::logits_of<TestType, N>;
  constexpr std::ptrdiff_t batch = 130;
  TestType const projection{};
  auto const z = gaussian<float>(batch * K, 1, 1), d = gaussian<float>(batch * K, 1, 2),
             g = gaussian<float>(batch * N * N, 1, 3);
  auto const actual = run<float, N>(device_policy{}, projection, z, d, g, batch);
  auto const expected = run<float, N>(mhc::seq, projection, z, d, g, batch);
  CHECK(relative_error(actual.plan, widen(expected.plan)) <= 1e-5L);
  CHECK(relative_error(actual.vjp, widen(expected.vjp)) <= 1e-5L);
  CHECK(relative_error(actual.jvp, widen(expected.jvp)) <= 1e-5L);
  guarded<float> const plan(expected.plan);
  guarded<float> error_of(batch), same(batch);
  mhc::marginal_error(device_policy{}, mhc::batch_view<float const, N>{plan.data(), batch}, {error_of.data(), batch});
  mhc::marginal_error(mhc::seq, mhc::batch_view<float const, N>{plan.data(), batch}, {same.data(), batch});
  CHECK(error(error_of, same) <= 1e-5L);
}

using error_cases = joined<over_n<device_policy, float, 1, 4, 16>, over_n<device_policy, double, 4, 7>>;

TEMPLATE_LIST_TEST_CASE("the marginal error on the device", "[cuda][marginal_error]", error_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const batch : {0, 1, 127, 300}) {
    guarded<T> const plan(gaussian<T>(batch * N * N, 1, 9));
    guarded<T> device(batch), host(batch);
    mhc::marginal_error(device_policy{}, batch_view<T const, N>{plan.data(), batch}, {device.data(), batch});
    mhc::marginal_error(mhc::seq, batch_view<T const, N>{plan.data(), batch}, {host.data(), batch});
    CHECK(error(device, host) <= 4 * N * eps<T> * std::max(1.L, largest(host)));
  }
}
