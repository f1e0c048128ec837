// SPDX-License-Identifier: MIT
#pragma once

#include "../../../examples/train_language_model/transformer/connected_stack.hpp"
#include "../../../examples/train_language_model/transformer/connection_settings.hpp"

#include <memory>

namespace demo::on_device {

bool device_is_there();

std::unique_ptr<connected_stack<float>> plain(connection_settings const& settings);
std::unique_ptr<connected_stack<float>> four_streams(connection_settings const& settings);

}  // namespace demo::on_device
