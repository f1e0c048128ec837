// SPDX-License-Identifier: MIT
#include "cuda/support/gates.cuh"

#include <mhc/projections/sinkhorn.hpp>

MHC_GATES_ON_DEVICE(double, 2, connection<double, 2, sinkhorn<>>)
