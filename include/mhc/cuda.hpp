// SPDX-License-Identifier: MIT
#pragma once

/// @file
/// Everything, with the CUDA backend: `mhc::cuda::policy{stream}` as the first argument of any operation.

#if !defined(__CUDACC__)
#  error "<mhc/cuda.hpp> needs nvcc: name the file .cu; a .cpp file includes <mhc/mhc.hpp>"
#endif

#include <mhc/mhc.hpp>
