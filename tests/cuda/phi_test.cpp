// SPDX-License-Identifier: MIT
// φ of 16 bits on the device, as the same φ in float.

#include "cuda/support/device.hpp"
#include "support/phi_elements.hpp"

using namespace mhc::test;

TEST_CASE("phi of 16 bits on the device is read as the same numbers in float", "[cuda][gates][elements][law]") {
  for (std::ptrdiff_t const channels : {5, 136})
    for (std::ptrdiff_t const batch : {1, 35, 1030})  // 1030: by other kernels
      for (bool const misaligned : {false, true}) {
        CAPTURE(channels, batch, misaligned);
        auto kind = mhc_sinkhorn::make<float, 4>(channels);
        check_phi_element<float, mhc::bfloat16>(device_policy{misaligned}, kind, batch);
        check_phi_element<mhc::bfloat16, mhc::half>(device_policy{misaligned},
                                                    mhc::head<float, 4>{.channels = channels}, batch);
      }
}
