// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/ops/cluster.cuh>
#include <mhc/ops/copies.cuh>
#include <mhc/ops/device.cuh>
#include <mhc/ops/gates/together.cuh>
#include <mhc/ops/mix_pre/types.hpp>
#include <mhc/ops/packs.cuh>

#include <cstddef>

/// @file
/// When `coefficients`, `pre` and `mix_pre` take one launch, and that launch.

namespace mhc::detail {

/// Up to so many tokens the one launch is taken; and up to so many with 16 tokens to a cluster, which is when a device has
/// room for all clusters. With 32 φ is read half as often.
template <class S>
inline constexpr std::ptrdiff_t most_tokens_together = sizeof(S) == 2 ? 512 : 1024;
inline constexpr std::ptrdiff_t most_tokens_apart = 256;

template <int W, bool Mixes, int M, class Kind, class S>
__global__ void __launch_bounds__(together_shape<Kind, S, M>::threads, 1)
    together_kernel(mix_pre_arguments<Kind, S> in) {
#if defined(MHC_CUDA_EMULATION) || __CUDA_ARCH__ >= 900
  using shape = together_shape<Kind, S, M>;
  std::ptrdiff_t const items = (in.x.size + shape::tokens - 1) / shape::tokens * shape::ranks;
  for (std::ptrdiff_t item = blockIdx.x; item < items; item += gridDim.x)
    together<W, Mixes, M, Kind, S>(in, reinterpret_cast<coefficient_t<S>*>(dynamic_shared_memory()), item).run();
#endif
}

/// Whether it has been done: it is not where the device has no clusters.
template <bool Mixes, int M, class Kind, class S>
bool launch_together_by(cuda::policy const& where, char const* operation, mix_pre_arguments<Kind, S> const& a) {
  using shape = together_shape<Kind, S, M>;
  constexpr int W = pack_width<S>;
  bool const packed = can_pack<S>(a.x.channels, a.x.data, a.y.data, a.x_next.data, a.next.u.data) &&
                      can_pack<coefficient_t<S>>(a.x.channels, a.parameters.phi);
  auto* const kernel = packed ? together_kernel<W, Mixes, M, Kind, S> : together_kernel<1, Mixes, M, Kind, S>;
  if (!runs_in_clusters(operation, kernel)) return false;
  auto const clusters = block_count(a.x.size, shape::tokens);
  constexpr unsigned most = 2147483647 / shape::ranks;
  launch(where, operation, kernel,
         {(clusters < most ? clusters : most) * shape::ranks, shape::threads, shape::shared_bytes, shape::ranks}, a);
  return true;
}
/// Streams that are mixed take the registers of 32 tokens.
template <bool Mixes, class Kind, class S>
bool launch_together(cuda::policy const& where, char const* operation, mix_pre_arguments<Kind, S> const& a) {
  if constexpr (!Mixes)
    if (a.x.size > most_tokens_apart) return launch_together_by<Mixes, 2>(where, operation, a);
  return launch_together_by<Mixes, 1>(where, operation, a);
}

}  // namespace mhc::detail
