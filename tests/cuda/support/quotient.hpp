// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

namespace mhc::test {

std::vector<float> quotients_on_device(std::vector<float> const& a, std::vector<float> const& b);

}  // namespace mhc::test
