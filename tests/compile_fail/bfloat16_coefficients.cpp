// expect-error: scalar
// SPDX-License-Identifier: MIT
#include <mhc/core/views.hpp>

mhc::vector_view<mhc::bfloat16, 4> h_pre;
