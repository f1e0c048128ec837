// SPDX-License-Identifier: MIT
#include "cuda/support/gates.cuh"

#include <mhc/projections/entropic.hpp>

MHC_GATES_ON_DEVICE(float, 3, connection<float, 3, entropic>)
