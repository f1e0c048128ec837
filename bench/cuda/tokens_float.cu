// SPDX-License-Identifier: MIT
#include "tokens.cuh"

template void mhc::bench::time_tokens<float>(std::ptrdiff_t, std::ptrdiff_t, report const&);
template void mhc::bench::time_ways<float>(std::ptrdiff_t, std::ptrdiff_t, report const&);
