// SPDX-License-Identifier: MIT
#pragma once

#include <vector>

#ifdef _OPENMP
#  include <omp.h>
#endif

namespace bench {

/// One, and all that there are.
inline std::vector<int> thread_counts() {
#ifdef _OPENMP
  if (int const all = omp_get_num_procs(); all > 1) return {1, all};
#endif
  return {1};
}

}  // namespace bench
