// SPDX-License-Identifier: MIT
#include "tokens.cuh"

template void mhc::bench::time_tokens<mhc::bfloat16>(std::ptrdiff_t, std::ptrdiff_t, report const&);
template void mhc::bench::time_ways<mhc::bfloat16>(std::ptrdiff_t, std::ptrdiff_t, report const&);
