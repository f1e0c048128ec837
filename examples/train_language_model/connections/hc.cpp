// SPDX-License-Identifier: MIT
#include "../transformer/connected_stack_of.hpp"
#include "connections.hpp"
#include "with_streams.hpp"

namespace demo::DEMO_PLACE {

std::unique_ptr<connected_stack<float>> connect_hc(std::ptrdiff_t streams, connection_settings const& settings) {
  return with_streams<8>(streams, [&](auto n) {
    return connect<float>(mhc::hyper_connection<float, n>{.channels = settings.channels}, settings);
  });
}

}  // namespace demo::DEMO_PLACE
