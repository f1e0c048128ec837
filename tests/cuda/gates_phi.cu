// SPDX-License-Identifier: MIT
#include "cuda/support/gates.cuh"
#include "cuda/support/mix_pre.cuh"

#include <mhc/projections/sinkhorn.hpp>

MHC_GATES_ON_DEVICE(float, 4, with_phi<bfloat16, connection<float, 4, sinkhorn<>>>)
MHC_MIX_PRE_ON_DEVICE(float, with_phi<bfloat16, connection<float, 4, sinkhorn<>>>)
MHC_GATES_ON_DEVICE(bfloat16, 4, with_phi<half, head<float, 4>>)
