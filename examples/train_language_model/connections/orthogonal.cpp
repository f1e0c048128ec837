// SPDX-License-Identifier: MIT
#include "projected.hpp"

namespace demo::DEMO_PLACE {

std::unique_ptr<connected_stack<float>> connect_orthogonal(std::ptrdiff_t streams,
                                                           connection_settings const& settings) {
  return connect_projected<mhc::orthogonal>(streams, settings);
}

}  // namespace demo::DEMO_PLACE
