// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/ops/device.cuh>

/// @file
/// Blocks of a cluster, which run at the same time and read each other's shared memory: devices from sm_90 on. Code for
/// older ones compiles, and is never launched.

namespace mhc::detail {

/// The most that every such device can place.
inline constexpr int cluster_ranks = 8;

#if defined(MHC_CUDA_EMULATION)
using cuda_emulation::cluster_arrive;
using cuda_emulation::cluster_wait;
using cuda_emulation::of_rank;
#else

/// All threads of the cluster arrive; what they have written before is seen by those that have waited.
__device__ inline void cluster_arrive() {
#  if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.arrive.release;" ::: "memory");
#  endif
}
__device__ inline void cluster_wait() {
#  if __CUDA_ARCH__ >= 900
  asm volatile("barrier.cluster.wait.acquire;" ::: "memory");
#  endif
}

/// What another block has where `mine` is in this one's dynamic shared memory.
__device__ inline float of_rank(float const* mine, int rank) {
#  if __CUDA_ARCH__ >= 900
  auto const here = static_cast<unsigned>(__cvta_generic_to_shared(mine));
  unsigned there;
  float value;
  asm("mapa.shared::cluster.u32 %0, %1, %2;" : "=r"(there) : "r"(here), "r"(rank));
  asm volatile("ld.shared::cluster.f32 %0, [%1];" : "=f"(value) : "r"(there) : "memory");
  return value;
#  else
  return rank == 0 ? *mine : 0;
#  endif
}

#endif

/// Whether the present device would run this kernel's code for clusters.
template <class... Parameters>
bool runs_in_clusters(char const* operation, void (*kernel)(Parameters...)) {
  cudaFuncAttributes attributes{};
  check_cuda(operation, "asking for a kernel", cudaFuncGetAttributes(&attributes, kernel));
  return attributes.ptxVersion >= 90;
}

}  // namespace mhc::detail
