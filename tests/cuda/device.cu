// SPDX-License-Identifier: MIT
#include "cuda/support/device.hpp"

#include <cuda_runtime.h>

namespace mhc::test {

bool device_is_there() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

}  // namespace mhc::test
