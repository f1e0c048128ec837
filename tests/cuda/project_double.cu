// SPDX-License-Identifier: MIT
#include "cuda/support/project.cuh"

#include <mhc/projections/sinkhorn.hpp>

MHC_PROJECTION_ON_DEVICE(sinkhorn<>, double, 4, 2)
MHC_PROJECTION_ON_DEVICE(sinkhorn<>, double, 16, 4)
MHC_MARGINAL_ERROR_ON_DEVICE(double, 4)
MHC_MARGINAL_ERROR_ON_DEVICE(double, 7)
