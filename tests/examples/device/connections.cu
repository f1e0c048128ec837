// SPDX-License-Identifier: MIT
#include "../../../examples/train_language_model/transformer/connected_stack_of.hpp"
#include "connections.hpp"

namespace demo::on_device {

bool device_is_there() {
  int count = 0;
  return cudaGetDeviceCount(&count) == cudaSuccess && count > 0;
}

std::unique_ptr<connected_stack<float>> plain(connection_settings const& settings) {
  return connect<float>(mhc::residual<float>{.channels = settings.channels}, settings);
}

std::unique_ptr<connected_stack<float>> four_streams(connection_settings const& settings) {
  return connect<float>(mhc::connection<float, 4, mhc::sinkhorn<>>{.channels = settings.channels}, settings);
}

}  // namespace demo::on_device
