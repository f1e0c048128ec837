// SPDX-License-Identifier: MIT
#pragma once

#include "../transformer/connected_stack_of.hpp"
#include "connections.hpp"
#include "with_streams.hpp"

namespace demo::DEMO_PLACE {

/// mHC with H_res from this projection, for 1, 2, 4 … `Most` streams.
template <class Projection, int Most = 8>
std::unique_ptr<connected_stack<float>> connect_projected(std::ptrdiff_t streams, connection_settings const& settings) {
  return with_streams<Most>(streams, [&](auto n) {
    return connect<float>(mhc::connection<float, n, Projection>{.channels = settings.channels}, settings);
  });
}

}  // namespace demo::DEMO_PLACE
