// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/elements.hpp>
#include <mhc/ops/gates/scan.cuh>
#include <mhc/ops/gates/scan_bfloat16.cuh>

#include <type_traits>

/// @file
/// Which of the scans is taken, in blocks of how many rows.

namespace mhc::detail {

/// Of which streams the scan is that of bfloat16.
template <class S>
inline constexpr bool takes_bfloat16_scan = std::is_same_v<S, bfloat16>;

/// Twice as many rows to a block where there are enough, and multiprocessors have room for them. The bits are the same.
template <int W, class S, int K, int P, bool Dots>
void launch_scan(cuda::policy const& where, char const* operation, scan_task<S> const& task) {
  auto const launch_by = [&]<int M>(std::integral_constant<int, M>) {
    if constexpr (takes_bfloat16_scan<S>)
      launch_bfloat16_scan_of<W, K, P, Dots, M>(where, operation, task);
    else
      launch_scan_of<W, S, K, P, Dots, M>(where, operation, task);
  };
  if constexpr (W > 1 && sizeof(S) == 2 && score_tiling<K, 5>::tiles <= 3) {
    constexpr int bytes = takes_bfloat16_scan<S> ? bfloat16_scan_shape<K, P, Dots, 2>::shared_bytes
                                                 : scan_shape<S, K, P, Dots, 2>::shared_bytes;
    if (scan_shape<S, K, P, Dots, 2>::items(task.rows, task.chunks) >= least_tall_blocks &&
        has_shared_memory(operation, bytes))
      return launch_by(std::integral_constant<int, 2>{});
  }
  launch_by(std::integral_constant<int, 1>{});
}

}  // namespace mhc::detail
