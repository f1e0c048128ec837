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

/// Twice as many rows to a block where there are enough, and multiprocessors have room for them; a ring as long as there is
/// room for. The bits are the same.
template <int W, class S, int K, int P, bool Dots, bool Tf32>
void launch_scan(cuda::policy const& where, char const* operation, scan_task<S> const& task) {
  if constexpr (takes_bfloat16_scan<S>) {
    constexpr int pieces = Tf32 ? 2 : 3;  // of φ: 16 significant bits, or all
    using tall = bfloat16_scan_shape<K, P, Dots, 2, pieces>;
    if constexpr (W > 1 && score_tiling<K, 5>::tiles <= 3)
      if (tall::items(task.rows, task.chunks) >= least_tall_blocks && has_shared_memory(operation, tall::shared_bytes))
        return launch_bfloat16_scan_of<W, K, P, Dots, 2, pieces>(where, operation, task);
    launch_bfloat16_scan_of<W, K, P, Dots, 1, pieces>(where, operation, task);
  } else {
    if constexpr (W > 1 && sizeof(S) == 2 && score_tiling<K, 5>::tiles <= 3)
      if (scan_shape<S, K, P, Dots, 2>::items(task.rows, task.chunks) >= least_tall_blocks &&
          has_shared_memory(operation, scan_shape<S, K, P, Dots, 2>::shared_bytes))
        return launch_scan_of<W, S, K, P, Dots, 2, false, Tf32>(where, operation, task);
    constexpr int bytes = scan_shape<S, K, P, Dots, 1>::shared_bytes;
    if constexpr (bytes > least_shared_memory)
      if (!has_shared_memory(operation, bytes))
        return launch_scan_of<W, S, K, P, Dots, 1, true, Tf32>(where, operation, task);
    launch_scan_of<W, S, K, P, Dots, 1, false, Tf32>(where, operation, task);
  }
}

}  // namespace mhc::detail
