// SPDX-License-Identifier: MIT
// Every convention's derivatives against the complex step of its published definition: order 2 to 5.

#include "support/conventions.hpp"

using namespace mhc::test;

using gradient_cases = joined<each_convention<mhc::cpu::sequential_policy, double, 2, 3, 4, 5>>;

TEMPLATE_LIST_TEST_CASE("a convention's derivatives are those of its definition",
                        "[projections][sinkhorn][convention][gradient]", gradient_cases) {
  require_derivatives<TestType>();
}
