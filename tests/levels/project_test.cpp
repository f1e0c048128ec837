// SPDX-License-Identifier: MIT
// Iterations with their derivatives, at every level that the processor has.

#include "support/level_members.hpp"

#include <mhc/ops/marginal_error/marginal_error.hpp>
#include <mhc/projections/entropic.hpp>
#include <mhc/projections/sinkhorn.hpp>

using namespace mhc::test;

#if defined(MHC_LEVELS)

using members = joined<member_on_levels<float, mhc::sinkhorn<>, 4>, member_on_levels<double, mhc::sinkhorn<>, 5>,
                       member_on_levels<float, mhc::sinkhorn<>, 1>, member_on_levels<float, mhc::entropic, 4>,
                       member_on_levels<double, mhc::entropic, 2>>;

TEMPLATE_LIST_TEST_CASE("projections at a level: the numbers of long double", "[levels][projections]", members) {
  check_at_level<TestType>();
}

using iterations = joined<member_on_levels<float, mhc::sinkhorn<>, 4>, member_on_levels<float, mhc::entropic, 4>>;

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
