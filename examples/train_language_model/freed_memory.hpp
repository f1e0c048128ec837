// SPDX-License-Identifier: MIT
#pragma once

#include <cstdlib>

#if defined(__GLIBC__)
#  include <malloc.h>
#endif

namespace demo {

/// Of a step's arrays, which the next step wants again: glibc returns large ones to the system, which clears them page by
/// page. That took a quarter of a step of 256 channels.
inline void keep_freed_memory() {
#if defined(__GLIBC__)
  mallopt(M_MMAP_MAX, 0);
  mallopt(M_TRIM_THRESHOLD, -1);
#endif
}

}  // namespace demo
