// SPDX-License-Identifier: MIT
#include "cuda/support/gates.cuh"

#include <mhc/projections/sinkhorn.hpp>

MHC_GATES_ON_DEVICE(half, 5, connection<float, 5, sinkhorn<>>)
MHC_GATES_ON_DEVICE(half, 4, hyper_connection<float, 4>)
