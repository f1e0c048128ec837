// SPDX-License-Identifier: MIT
#include "cuda/support/streams.cuh"

MHC_STREAMS_ON_DEVICE(bfloat16, 1)
MHC_STREAMS_ON_DEVICE(bfloat16, 4)
MHC_STREAMS_ON_DEVICE(bfloat16, 7)
MHC_STREAMS_ON_DEVICE(half, 3)
MHC_STREAMS_ON_DEVICE(half, 4)
MHC_STREAMS_ON_DEVICE(half, 8)
