// SPDX-License-Identifier: MIT
// Families with a closed form, at every level that the processor has.

#include "support/level_members.hpp"

#include <mhc/projections/circulant.hpp>
#include <mhc/projections/euclidean.hpp>
#include <mhc/projections/kronecker.hpp>
#include <mhc/projections/orthogonal.hpp>
#include <mhc/projections/orthostochastic.hpp>
#include <mhc/projections/permutation.hpp>
#include <mhc/projections/transport.hpp>

using namespace mhc::test;

#if defined(MHC_LEVELS)

using members =
    joined<member_on_levels<float, mhc::euclidean, 4>, member_on_levels<double, mhc::euclidean, 3>,
           member_on_levels<float, mhc::orthogonal, 4>, member_on_levels<double, mhc::orthostochastic<2>, 2>,
           member_on_levels<float, mhc::kronecker, 4>, member_on_levels<float, mhc::circulant, 5>,
           member_on_levels<double, mhc::permutation, 3>, member_on_levels<double, mhc::transport, 4>>;

TEMPLATE_LIST_TEST_CASE("families at a level: the numbers of long double", "[levels][projections]", members) {
  check_at_level<TestType>();
}

#else

TEST_CASE("levels are for x86-64", "[levels]") { MHC_SKIP("another processor"); }

#endif
