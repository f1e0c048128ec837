// SPDX-License-Identifier: MIT
#include "cuda/support/project.cuh"

#include <mhc/projections/entropic.hpp>
#include <mhc/projections/permutation.hpp>
#include <mhc/projections/sinkhorn.hpp>

MHC_PROJECTION_ON_DEVICE(sinkhorn<>, float, 16, 4)
MHC_PROJECTION_ON_DEVICE(entropic, float, 16, 4)
MHC_PROJECTION_ON_DEVICE(permutation, float, 24, 4)
MHC_MARGINAL_ERROR_ON_DEVICE(float, 4)
