// SPDX-License-Identifier: MIT
#pragma once

// The place that this compiler makes code for: connections are one text for both.

#if defined(__CUDACC__)
#  include "../device/place.cuh"
#else
#  include "host_place.hpp"
#endif
