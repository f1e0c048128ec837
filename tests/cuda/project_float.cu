// SPDX-License-Identifier: MIT
#include "cuda/support/project.cuh"

#include <mhc/projections/sinkhorn.hpp>

MHC_PROJECTION_ON_DEVICE(sinkhorn<>, float, 1, 1)
MHC_PROJECTION_ON_DEVICE(sinkhorn<>, float, 9, 3)
MHC_PROJECTION_ON_DEVICE(sinkhorn<>, float, 16, 4)
MHC_PROJECTION_ON_DEVICE(sinkhorn<>, float, 25, 5)
MHC_MARGINAL_ERROR_ON_DEVICE(float, 1)
MHC_MARGINAL_ERROR_ON_DEVICE(float, 4)
MHC_MARGINAL_ERROR_ON_DEVICE(float, 16)
