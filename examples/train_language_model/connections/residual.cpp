// SPDX-License-Identifier: MIT
#include "../transformer/connected_stack_of.hpp"
#include "connections.hpp"

namespace demo::DEMO_PLACE {

std::unique_ptr<connected_stack<float>> connect_residual(std::ptrdiff_t, connection_settings const& settings) {
  return connect<float>(mhc::residual<float>{.channels = settings.channels}, settings);
}

}  // namespace demo::DEMO_PLACE
