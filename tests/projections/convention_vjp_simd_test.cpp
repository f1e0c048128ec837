// SPDX-License-Identifier: MIT
// Every convention's derivatives against the complex step of its published definition: vectors.

#include "support/conventions.hpp"

using namespace mhc::test;

using gradient_cases = joined<each_convention<mhc::simd_t, double, 4>, each_convention<mhc::simd_t, double, 3>>;

TEMPLATE_LIST_TEST_CASE("a convention's derivatives are those of its definition",
                        "[projections][sinkhorn][convention][gradient]", gradient_cases) {
  require_derivatives<TestType>();
}
