// SPDX-License-Identifier: MIT
// Another type and other instructions: the matrix units in double, rows that are normalised one by one.
#include "cuda/support/gates.cuh"

MHC_GATES_ON_DEVICE(double, 2, hyper_connection<double, 2>)
