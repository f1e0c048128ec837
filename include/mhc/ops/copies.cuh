// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/packs.cuh>

#include <cstddef>
#include <cstdint>

/// @file
/// Copies from device memory to shared memory that run while a thread goes on: enough of them in flight hide the time
/// that memory takes to answer, at no cost in registers.

namespace mhc::detail {

#if defined(MHC_CUDA_EMULATION)
using cuda_emulation::commit_copies;
using cuda_emulation::copy_async;
using cuda_emulation::dynamic_shared_memory;
using cuda_emulation::wait_for_copies;
#else

/// The block's shared memory whose size the launch says.
__device__ inline unsigned char* dynamic_shared_memory() {
  extern __shared__ __align__(128) unsigned char mhc_shared_memory[];
  return mhc_shared_memory;
}

/// Begins to copy Bytes (4, 8 or 16) to shared memory, or zeros where there is nothing to copy.
template <int Bytes>
__device__ inline void copy_async(void* shared, void const* global, bool exists) {
  auto const to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  int const bytes = exists ? Bytes : 0;
  if constexpr (Bytes == 16)
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(bytes) : "memory");
  else
    asm volatile("cp.async.ca.shared.global [%0], [%1], %3, %2;" ::"r"(to), "l"(global), "r"(bytes), "n"(Bytes)
                 : "memory");
}

/// Ends a group of this thread's copies.
__device__ inline void commit_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Waits for this thread's copies, but for those of its last `Groups` groups.
template <int Groups>
__device__ inline void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Groups) : "memory");
}

#endif

/// A tile in shared memory: rows of 128 bytes. Eight threads that read one 16-byte unit each do so in one turn if
/// their units lie in different banks: they do in the same unit u of four rows r = 4n … 4n + 3 and in u and u + 1, u
/// even, or u and u + 4; and in the units 0 … 3 or 4 … 7 of two rows 2n and 2n + 1.
template <class T>
struct shared_tile {
  static constexpr int row_bytes = 128, units = 8;
  static constexpr int elements = pack_width<T>;  ///< in a unit
  static constexpr int columns = units * elements;
  using unit = pack<T, elements>;

  unsigned char* memory;

  __device__ unit& at(int row, int u) const {
    return *reinterpret_cast<unit*>(memory + row * row_bytes + (u ^ (row & 2) ^ ((row & 1) * 5)) * 16);
  }

  /// Begins to fill a unit from `from`, of which the first `exists` elements exist. W says how many can be moved at once.
  template <int W>
  __device__ void fill(int row, int u, T const* from, std::ptrdiff_t exists) const {
    unit& to = at(row, u);
    MHC_UNROLL for (int e = 0; e < elements; e += W)
        copy_async<W* static_cast<int>(sizeof(T))>(&to.at[e], from + e, e + W <= exists);
  }
};

}  // namespace mhc::detail
