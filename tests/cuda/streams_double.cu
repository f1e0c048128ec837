// SPDX-License-Identifier: MIT
#include "cuda/support/streams.cuh"

MHC_STREAMS_ON_DEVICE(double, 2)
MHC_STREAMS_ON_DEVICE(double, 4)
MHC_STREAMS_ON_DEVICE(double, 5)
MHC_STREAMS_ON_DEVICE(double, 7)
