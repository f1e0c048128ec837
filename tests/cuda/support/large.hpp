// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

namespace mhc::test {

bool large_arrays_fit();

/// The last elements of results with more than 2³¹.
std::vector<float> end_of_large_expand();
std::vector<float> end_of_large_projection();

}  // namespace mhc::test
