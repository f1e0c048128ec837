// SPDX-License-Identifier: MIT
// Other conventions of Sinkhorn's iteration, at every level that the processor has.

#include "support/level_members.hpp"

#include <mhc/projections/sinkhorn.hpp>

using namespace mhc::test;

#if defined(MHC_LEVELS)

using members = joined<member_on_levels<float, mhc::sinkhorn<mhc::convention::deepseek_v4>, 4>,
                       member_on_levels<double, mhc::sinkhorn<mhc::convention::megatron>, 3>,
                       member_on_levels<float, mhc::sinkhorn<mhc::convention::log_domain>, 4>>;

TEMPLATE_LIST_TEST_CASE("conventions at a level: the numbers of long double", "[levels][projections]", members) {
  check_at_level<TestType>();
}

#else

TEST_CASE("levels are for x86-64", "[levels]") { MHC_SKIP("another processor"); }

#endif
