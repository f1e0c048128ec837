// SPDX-License-Identifier: MIT
#include "cuda/support/gates.cuh"

#include <mhc/projections/sinkhorn.hpp>

MHC_GATES_ON_DEVICE(double, 4, connection<double, 4, sinkhorn<>>)
