// SPDX-License-Identifier: MIT
// Every convention's derivatives against the complex step of its published definition: order 6 to 8.

#include "support/conventions.hpp"

using namespace mhc::test;

using gradient_cases = joined<each_convention<mhc::cpu::sequential_policy, double, 6, 7, 8>>;

TEMPLATE_LIST_TEST_CASE("a convention's derivatives are those of its definition",
                        "[projections][sinkhorn][convention][gradient]", gradient_cases) {
  require_derivatives<TestType>();
}
