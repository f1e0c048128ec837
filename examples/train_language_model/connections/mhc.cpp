// SPDX-License-Identifier: MIT
#include "projected.hpp"

namespace demo::DEMO_PLACE {

std::unique_ptr<connected_stack<float>> connect_mhc(std::ptrdiff_t streams, connection_settings const& settings) {
  return connect_projected<mhc::sinkhorn<>>(streams, settings);
}

}  // namespace demo::DEMO_PLACE
