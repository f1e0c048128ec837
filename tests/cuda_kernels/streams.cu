// SPDX-License-Identifier: MIT
#include "cuda/support/streams.cuh"

MHC_STREAMS_ON_DEVICE(float, 4)
