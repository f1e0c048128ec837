// SPDX-License-Identifier: MIT
#include "cuda/support/mix_pre.cuh"

#include <mhc/projections/sinkhorn.hpp>

MHC_MIX_PRE_ON_DEVICE(float, connection<float, 4, sinkhorn<>>)
MHC_MIX_PRE_ON_DEVICE(bfloat16, connection<float, 4, sinkhorn<>>)
