// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <cstdlib>
#include <memory>
#include <new>

#if defined(__linux__)
#  include <sys/mman.h>
#endif

namespace bench {

/// What the memory of every tensor is asked to consist of. Pages of 2 MB are what an engine asks for its tensors, and what
/// NumPy does: in pages of 4 KB the address of every row of a token of some channels has to be looked up anew, and the
/// processor's prefetching ends at each. The system may give them or not.
inline bool& small_pages() {
  static bool flag = false;
  return flag;
}

struct free_pages {
  void operator()(std::byte* p) const { std::free(p); }
};
using block_of_pages = std::unique_ptr<std::byte, free_pages>;

/// `bytes` of memory that nothing has touched yet, from the beginning of a page of 2 MB on.
/// @throws std::bad_alloc
inline block_of_pages untouched_pages(std::size_t bytes) {
  constexpr std::size_t alignment = std::size_t(2) << 20;
  bytes = (bytes + alignment - 1) / alignment * alignment;
  block_of_pages p(static_cast<std::byte*>(std::aligned_alloc(alignment, bytes)));
  if (!p) throw std::bad_alloc();
#if defined(MADV_HUGEPAGE)
  madvise(p.get(), bytes, small_pages() ? MADV_NOHUGEPAGE : MADV_HUGEPAGE);
#endif
  return p;
}

}  // namespace bench
