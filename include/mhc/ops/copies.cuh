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

/// Begins to copy Bytes (4, 8 or 16) to shared memory, or zeros where there is nothing to copy. Fewer cannot be left
/// behind: they are copied at once. `Line`: what else is in their 128 bytes comes to L2, because it is next.
template <int Bytes, bool Line = false>
__device__ inline void copy_async(void* shared, void const* global, bool exists) {
  auto const to = static_cast<unsigned>(__cvta_generic_to_shared(shared));
  int const bytes = exists ? Bytes : 0;
  if constexpr (Bytes == 2)
    *static_cast<std::uint16_t*>(shared) = exists ? *static_cast<std::uint16_t const*>(global) : std::uint16_t{0};
  else if constexpr (Bytes == 16 && Line)
    asm volatile("cp.async.cg.shared.global.L2::128B [%0], [%1], 16, %2;" ::"r"(to), "l"(global), "r"(bytes)
                 : "memory");
  else if constexpr (Bytes == 16)
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

/// A tile in shared memory: rows of eight 16-byte units, or of four, for as many columns of half the size. Eight threads
/// that read one unit each do so in one turn if their units lie in different banks. Of eight units to a row: the same
/// unit u of four rows r = 4n … 4n + 3 and u and u + 1, u even, or u and u + 4; and in two rows 2n and 2n + 1 the units
/// 0 … 3, or 4 … 7, or those of one parity. Of four to a row: those of two rows 2n and 2n + 1; and sixteen threads that
/// read half a unit each, the units 0 and 1, or 2 and 3, of four rows 4n … 4n + 3.
template <class S, int Units = 8>
struct shared_tile {
  static constexpr int units = Units, row_bytes = 16 * units;
  static constexpr int elements = pack_width<S>;  ///< in a unit
  static constexpr int columns = units * elements;
  static constexpr int part = columns / 8;
  using unit = pack<S, elements>;

  unsigned char* memory;

  __device__ unit& at(int row, int u) const {
    int const in_row = units == 8 ? u ^ (row & 2) ^ ((row & 1) * 5) : u ^ (row & 2);
    return *reinterpret_cast<unit*>(memory + row * row_bytes + in_row * 16);
  }

  /// An eighth of a row.
  template <class T>
  __device__ pack<T, part> eighth(int row, int e) const {
    return load_pack<T, part>(&at(row, e * units / 8).at[e * part % elements]);
  }

  /// Lane q of four has a row's units q, q + 4, …: two eighths, of which these are the numbers.
  __device__ static constexpr int eighth_of(int q, int n) { return units == 8 ? q + 4 * n : 2 * q + n; }
  template <class T>
  __device__ pack<T, part> eighth_of_lane(int row, int q, int n) const {
    auto const whole = load_pack<T, elements>(at(row, units == 8 ? q + 4 * n : q).at);
    pack<T, part> some;
    MHC_UNROLL for (int e = 0; e < part; ++e) some.at[e] = whole.at[units == 8 ? e : n * part + e];
    return some;
  }

  /// Begins to fill a unit from `from`, of which the first `exists` elements exist. W says how many can be moved at once.
  template <int W, bool Line = false>
  __device__ void fill(int row, int u, S const* from, std::ptrdiff_t exists) const {
    unit& to = at(row, u);
    MHC_UNROLL for (int e = 0; e < elements; e += W)
        copy_async<W* static_cast<int>(sizeof(S)), Line>(&to.at[e], from + e, e + W <= exists);
  }
};

/// Streams of S beside a tile of what they are computed in: the same columns in a row.
template <class S>
using stream_tile = shared_tile<S, 8 * static_cast<int>(sizeof(S)) / static_cast<int>(sizeof(coefficient_t<S>))>;

}  // namespace mhc::detail
