// SPDX-License-Identifier: MIT
#include "cuda/support/project.cuh"

#include <mhc/projections/identity.hpp>
#include <mhc/projections/permutation.hpp>
#include <mhc/projections/sinkhorn.hpp>
#include <mhc/projections/transport.hpp>

MHC_PROJECTION_ON_DEVICE(sinkhorn<convention::deepseek_v4>, float, 16, 4)
MHC_PROJECTION_ON_DEVICE(sinkhorn<convention::megatron>, float, 16, 4)
MHC_PROJECTION_ON_DEVICE(sinkhorn<convention::log_domain>, double, 9, 3)
MHC_PROJECTION_ON_DEVICE(identity, float, 0, 4)
MHC_PROJECTION_ON_DEVICE(permutation, float, 24, 4)
MHC_PROJECTION_ON_DEVICE(transport, double, 9, 4)
