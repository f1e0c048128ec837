// SPDX-License-Identifier: MIT
// One large matrix, at every level that the processor has.

#include "support/project_matrix.hpp"

#include "support/levels.hpp"

#include <mhc/projections/euclidean.hpp>

using namespace mhc::test;

#if defined(MHC_LEVELS)

using matrix_levels = std::tuple<mhc::cpu::level::avx2, mhc::cpu::level::avx512>;

TEMPLATE_LIST_TEST_CASE("one large matrix at a level is that of one number at a time", "[levels][project_matrix]",
                        matrix_levels) {
  MHC_SKIP_WITHOUT(level_policy<TestType>);
  level_policy<TestType> const policy;
  auto const compare = [&](auto const& projection, double sigma) {
    for (int const n : {1, 2, 7, 16, 33, 100}) {
      CAPTURE(n, sigma);
      auto const z = gaussian<double>(n * n, sigma), g = gaussian<double>(n * n, 1, 2);
      auto const expected = project_one(mhc::seq, projection, z), plan = project_one(policy, projection, z);
      auto const back = project_one_vjp(mhc::seq, projection, z, expected, g);
      // two orders of sums of n terms, in steps that forget most of each other's rounding
      double const bound = 100 * std::max(1., sigma) * n * eps<double>;
      REQUIRE(error(plan, expected) <= bound);
      REQUIRE(error(project_one_vjp(policy, projection, z, expected, g), back) <=
              10 * bound * std::max(1.L, largest(back)));
      REQUIRE(same_bits(project_one(policy.with_threads(3), projection, z), plan));
    }
  };
  compare(mhc::sinkhorn<>{}, 1);
  compare(mhc::sinkhorn<>{}, 60);  // in potentials
  compare(mhc::sinkhorn<>{.gradient = mhc::gradient::implicit}, .5);
  compare(mhc::sinkhorn<mhc::convention::deepseek_v4>{}, 1);
  compare(mhc::entropic{}, 1);
  compare(mhc::euclidean{}, .2);
}

#else

TEST_CASE("levels are for x86-64", "[levels]") { MHC_SKIP("another processor"); }

#endif
