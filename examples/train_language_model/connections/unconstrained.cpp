// SPDX-License-Identifier: MIT
#include "projected.hpp"

namespace demo::DEMO_PLACE {

std::unique_ptr<connected_stack<float>> connect_unconstrained(std::ptrdiff_t streams,
                                                              connection_settings const& settings) {
  return connect_projected<mhc::unconstrained>(streams, settings);
}

}  // namespace demo::DEMO_PLACE
