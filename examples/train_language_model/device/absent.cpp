// SPDX-License-Identifier: MIT
// In the place of the .cu files where there is no nvcc or no cuBLAS.

#include "learner.hpp"

#include <stdexcept>

namespace demo {

std::string device_name() {
  throw std::runtime_error(
      "--device cuda needs a program built with nvcc and cuBLAS, as ./dev demo --device cuda does");
}

std::unique_ptr<device_learner<float>> make_device_learner(device_model) {
  device_name();
  return nullptr;
}

}  // namespace demo
