// SPDX-License-Identifier: MIT
#include "cuda/support/streams.cuh"

MHC_STREAMS_ON_DEVICE(float, 4)
MHC_STREAMS_ON_DEVICE(bfloat16, 4)
MHC_STREAMS_ON_DEVICE(half, 4)
