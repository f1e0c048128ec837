// SPDX-License-Identifier: MIT
#include "cuda/support/project.cuh"

#include <mhc/projections/sinkhorn.hpp>

MHC_PROJECTION_ON_DEVICE(sinkhorn<>, double, 36, 6)
