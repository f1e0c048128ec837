// SPDX-License-Identifier: MIT
#include "cuda/support/streams.cuh"

MHC_STREAMS_ON_DEVICE(float, 1)
MHC_STREAMS_ON_DEVICE(float, 2)
MHC_STREAMS_ON_DEVICE(float, 3)
MHC_STREAMS_ON_DEVICE(float, 4)
MHC_STREAMS_ON_DEVICE(float, 8)
