// SPDX-License-Identifier: MIT

#include "support/mix_pre.hpp"

#include "cuda/support/device.hpp"

using namespace mhc::test;

TEMPLATE_TEST_CASE("mix_pre on the device is mix, then pre, bit for bit, and so is its gradient",
                   "[cuda][mix_pre][law]", float, mhc::bfloat16) {
  using on_device = kind_case<device_policy, TestType, 4, mhc_sinkhorn>;
  for (std::ptrdiff_t const channels : {5, 136})
    for (std::ptrdiff_t const batch : {0, 1, 35}) {
      CAPTURE(channels, batch);
      check_mix_pre<on_device, TestType>(batch, channels, {});
    }
  for (std::ptrdiff_t const batch : {300, 1030}) check_mix_pre<on_device, TestType>(batch, 40, {});  // by other kernels
}
