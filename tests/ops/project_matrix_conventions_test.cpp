// SPDX-License-Identifier: MIT
// Every convention on one matrix of any order: order, orientation, input map and denominator are those of the batch.

#include "support/project_matrix.hpp"

using namespace mhc::test;

namespace {

template <class Convention>
void compare(Convention const& convention) {
  for (int const iterations : {1, 2, 7})
    for (auto const gradient : {mhc::gradient::unrolled, mhc::gradient::implicit}) {
      mhc::sinkhorn<Convention> const projection{
          .iterations = iterations, .gradient = gradient, .convention = convention};
      compare_with_batch<5, double>(projection, 1, 60, 4000);
      compare_with_batch<3, double>(projection, 3, 60, 4000);
    }
}

}  // namespace

TEST_CASE("convention::log_domain", "[ops][project_matrix]") {
  compare(mhc::convention::log_domain{.temperature = .7});
}

TEST_CASE("convention::megatron", "[ops][project_matrix]") {
  compare(mhc::convention::megatron{});
  compare(mhc::convention::megatron{.epsilon = .9});  // some sums are clamped, some are not
}

TEST_CASE("convention::deepseek_v4", "[ops][project_matrix]") {
  compare(mhc::convention::deepseek_v4{});
  compare(mhc::convention::deepseek_v4{.epsilon = .1});
}
