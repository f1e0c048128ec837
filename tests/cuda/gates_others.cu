// SPDX-License-Identifier: MIT
#include "cuda/support/gates.cuh"

MHC_GATES_ON_DEVICE(double, 1, residual<double>)
MHC_GATES_ON_DEVICE(float, 4, head<float, 4>)
MHC_GATES_ON_DEVICE(double, 3, head<double, 3>)
