// expect-error: element
// SPDX-License-Identifier: MIT
#include <mhc/core/views.hpp>

mhc::token_view<int> y;
