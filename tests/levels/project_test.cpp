// SPDX-License-Identifier: MIT
// Every family and convention with its derivatives, at every level that the processor has.

#include "support/families.hpp"
#include "support/levels.hpp"

#include <mhc/ops/marginal_error/marginal_error.hpp>
#include <mhc/projections/circulant.hpp>
#include <mhc/projections/entropic.hpp>
#include <mhc/projections/euclidean.hpp>
#include <mhc/projections/kronecker.hpp>
#include <mhc/projections/orthogonal.hpp>
#include <mhc/projections/orthostochastic.hpp>
#include <mhc/projections/permutation.hpp>
#include <mhc/projections/sinkhorn.hpp>
#include <mhc/projections/transport.hpp>

using namespace mhc::test;

#if defined(MHC_LEVELS)

namespace {

template <class Level, class T, class P, int Order>
struct member {
  using policy = level_policy<Level>;
  using value = T;
  using family = P;
  static constexpr int n = Order;
  using exactly = test_case<mhc::cpu::sequential_policy, long double, Order>;
};

template <class T, class P, int N>
using member_on_levels = std::tuple<member<mhc::cpu::level::avx2, T, P, N>, member<mhc::cpu::level::avx512, T, P, N>>;

}  // namespace

using members = joined<member_on_levels<float, mhc::sinkhorn<>, 4>, member_on_levels<double, mhc::sinkhorn<>, 3>,
                       member_on_levels<float, mhc::sinkhorn<>, 8>, member_on_levels<float, mhc::sinkhorn<>, 1>,
                       member_on_levels<float, mhc::sinkhorn<mhc::convention::deepseek_v4>, 4>,
                       member_on_levels<double, mhc::sinkhorn<mhc::convention::megatron>, 3>,
                       member_on_levels<float, mhc::sinkhorn<mhc::convention::log_domain>, 4>,
                       member_on_levels<float, mhc::entropic, 4>, member_on_levels<double, mhc::entropic, 2>,
                       member_on_levels<float, mhc::entropic, 6>, member_on_levels<float, mhc::euclidean, 4>,
                       member_on_levels<double, mhc::euclidean, 3>, member_on_levels<float, mhc::orthogonal, 4>,
                       member_on_levels<double, mhc::orthostochastic<2>, 2>, member_on_levels<float, mhc::kronecker, 4>,
                       member_on_levels<float, mhc::circulant, 5>, member_on_levels<double, mhc::permutation, 3>,
                       member_on_levels<double, mhc::transport, 4>>;

TEMPLATE_LIST_TEST_CASE("projections at a level: the numbers of long double", "[levels][projections]", members) {
  using T = typename TestType::value;
  using exactly = typename TestType::exactly;
  constexpr int N = TestType::n;
  MHC_SKIP_WITHOUT(typename TestType::policy);
  typename TestType::family const family;
  for (std::ptrdiff_t const batch : {1, 7, 8, 9, 31, 33, 70}) {
    CAPTURE(batch);
    auto const z = random_logits<TestType>(family, batch, 1), d = random_logits<TestType>(family, batch, 1, 2);
    auto const g = gaussian<T>(batch * N * N, 1, 3);
    auto const plan = plans<exactly>(family, widen(z), batch), back = vjps<exactly>(family, widen(z), widen(g), batch),
               forth = jvps<exactly>(family, widen(z), widen(d), batch);
    // roundings of some dozen steps that each sum N terms, of numbers of order 1 or of the largest derivative
    long double const bound = 100 * N * eps<T>;
    REQUIRE(error(plans<TestType>(family, z, batch), plan) <= bound);
    REQUIRE(error(vjps<TestType>(family, z, g, batch), back) <= 4 * bound * std::max(1.L, largest(back)));
    REQUIRE(error(jvps<TestType>(family, z, d, batch), forth) <= 4 * bound * std::max(1.L, largest(forth)));
  }
}

using iterations = joined<member_on_levels<float, mhc::sinkhorn<>, 4>, member_on_levels<double, mhc::sinkhorn<>, 4>,
                          member_on_levels<float, mhc::entropic, 4>>;

TEMPLATE_LIST_TEST_CASE("what is rarely needed, at a level: logits that are spread wide, a NaN among them",
                        "[levels][projections]", iterations) {
  using T = typename TestType::value;
  using exactly = typename TestType::exactly;
  MHC_SKIP_WITHOUT(typename TestType::policy);
  typename TestType::family const family;
  std::ptrdiff_t const batch = 70;
  for (double const sigma : {10., 40., 200.}) {
    CAPTURE(sigma);
    auto z = random_logits<TestType>(family, batch, sigma);
    auto const g = gaussian<T>(batch * 16, 1, 3);
    auto const plan = plans<exactly>(family, widen(z), batch);
    // a logit is right to eps/2 of its size, and so is its exponential
    REQUIRE(error(plans<TestType>(family, z, batch), plan) <= 100 * static_cast<long double>(sigma) * eps<T>);
    auto const clean = plans<TestType>(family, z, batch), back = vjps<TestType>(family, z, g, batch);
    z[5 * 16 + 3] = not_a_number<T>;
    auto const spoiled = plans<TestType>(family, z, batch), spoiled_back = vjps<TestType>(family, z, g, batch);
    for (std::size_t k = 0; k < clean.size(); ++k) {
      CAPTURE(k);
      REQUIRE((k / 16 == 5 ? std::isnan(spoiled[k]) : spoiled[k] == clean[k]));
      REQUIRE((k / 16 == 5 ? std::isnan(spoiled_back[k]) : spoiled_back[k] == back[k]));
    }
  }
}

using plan_cases = joined<on_levels<float, 1, 3, 4, 16>, on_levels<double, 2, 4>>;

TEMPLATE_LIST_TEST_CASE("marginal errors at a level, whatever the threads", "[levels][ops]", plan_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  MHC_SKIP_WITHOUT(typename TestType::policy);
  typename TestType::policy const policy;
  for (std::ptrdiff_t const batch : {0, 1, 15, 16, 17, 50}) {
    guarded<T> const plan(gaussian<T>(batch * N * N));
    guarded<T> actual(batch), threaded(batch);
    mhc::marginal_error(policy, mhc::batch_view<T const, N>{plan.data(), batch}, {actual.data(), batch});
    mhc::marginal_error(policy.with_threads(3), mhc::batch_view<T const, N>{plan.data(), batch},
                        {threaded.data(), batch});
    auto const wide = widen(plan);
    std::vector<long double> exact(static_cast<std::size_t>(batch));
    mhc::marginal_error(mhc::seq, mhc::batch_view<long double const, N>{wide.data(), batch}, {exact.data(), batch});
    REQUIRE(error(actual, exact) <= 4 * N * eps<T>);
    REQUIRE(same_bits(actual, threaded));
  }
}

#else

TEST_CASE("levels are for x86-64", "[levels]") { MHC_SKIP("another processor"); }

#endif
