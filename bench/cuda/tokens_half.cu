// SPDX-License-Identifier: MIT
#include "tokens.cuh"

template void mhc::bench::time_tokens<mhc::half>(std::ptrdiff_t, std::ptrdiff_t, report const&);
