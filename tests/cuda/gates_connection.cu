// SPDX-License-Identifier: MIT
#include "cuda/support/gates.cuh"

#include <mhc/projections/entropic.hpp>
#include <mhc/projections/sinkhorn.hpp>

MHC_GATES_ON_DEVICE(float, 4, connection<float, 4, sinkhorn<>>)
MHC_GATES_ON_DEVICE(double, 2, connection<double, 2, sinkhorn<>>)
MHC_GATES_ON_DEVICE(double, 4, connection<double, 4, sinkhorn<>>)
