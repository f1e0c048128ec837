// SPDX-License-Identifier: MIT
#include "cuda/support/large.hpp"
#include "support/arrays.hpp"

#include <bit>

using namespace mhc::test;

TEST_CASE("more elements than 32 bits count", "[cuda][large]") {
  if (!large_arrays_fit()) MHC_SKIP("the device has less than 16 GB of free memory");
  auto const fill = std::bit_cast<float>(0x3f3f3f3fU);
  for (float const v : end_of_large_expand()) REQUIRE(v == fill);
  for (float const v : end_of_large_projection()) REQUIRE(std::abs(v - .25f) <= 2 * eps<float>);
}
