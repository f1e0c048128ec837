// SPDX-License-Identifier: MIT
#include "cuda/support/gates.cuh"

#include <mhc/projections/sinkhorn.hpp>

MHC_GATES_ON_DEVICE(float, 4, connection<float, 4, sinkhorn<>>)
MHC_GATES_ON_DEVICE(bfloat16, 4, connection<float, 4, sinkhorn<>>)
MHC_GATES_ON_DEVICE(float, 4, with_tf32<connection<float, 4, sinkhorn<>>>)
