// SPDX-License-Identifier: MIT
#pragma once

// Which barriers a kernel comes to, and what happens without one of them.

#include "cuda_emulation/sanitizers.hpp"

#include <mutex>
#include <set>
#include <string>
#include <utility>

namespace cuda_emulation {

/// Where a barrier stands in the source.
using place = std::pair<std::string, unsigned>;

/// If watched: the barriers that have been met, and one that is passed over, to see whether its absence shows.
inline bool watch_barriers = false;
inline std::set<place> barriers_met;
inline place barrier_left_out;
inline std::mutex barriers_mutex;  ///< of host threads; ThreadSanitizer shall see no order of fibers in it

inline bool passes_over(char const* file, unsigned line) {
  if (!watch_barriers) return false;
  unwatched const here;
#ifdef CUDA_EMULATION_TSAN
  AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
#endif
  place const barrier(file, line);
  bool left_out = false;
  {
    std::lock_guard const lock(barriers_mutex);
    barriers_met.insert(barrier);
    left_out = barrier == barrier_left_out;
  }
#ifdef CUDA_EMULATION_TSAN
  AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
#endif
  return left_out;
}

}  // namespace cuda_emulation
