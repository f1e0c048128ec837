// SPDX-License-Identifier: MIT
#include "cuda/support/gates.cuh"

MHC_GATES_ON_DEVICE(double, 2, hyper_connection<double, 2>)
MHC_GATES_ON_DEVICE(double, 3, hyper_connection<double, 3>)
MHC_GATES_ON_DEVICE(float, 4, hyper_connection<float, 4>)
MHC_GATES_ON_DEVICE(float, 1, hyper_connection<float, 1>)
