// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/tiles.hpp>

#include <cstddef>

/// @file
/// One row per thread: what projections know of device memory. A warp's rows lie one behind the other, so they are moved
/// through shared memory, where a warp's accesses are to neighbours.

namespace mhc::detail {

/// A block's shared memory for rows of up to K elements of T, one row per thread. An odd number of elements from row to
/// row keeps the threads of a warp in different banks. Rows too long for it are read from where they are.
template <class T, int K>
struct row_layout {
  static constexpr int row_bytes = (K | 1) * static_cast<int>(sizeof(T));
  static constexpr int threads = row_bytes <= 192 ? 128 : row_bytes <= 384 ? 64 : 32;
  static constexpr bool staged = threads * row_bytes <= 32768;
  static constexpr int elements = staged ? threads * (K | 1) : 1;
};

/// The rows first … first + count − 1 of a batch, one for each of the block's first `count` threads.
template <class T, int Longest>
class thread_rows {
 public:
  __device__ thread_rows(T* shared, std::ptrdiff_t first, int count) : shared_(shared), first_(first), count_(count) {}

  __device__ bool mine() const { return thread() < count_; }
  __device__ std::ptrdiff_t row() const { return first_ + thread(); }

  /// This thread's row of data; zeros for a thread without one. All threads of the block call it.
  template <class Registers>
  __device__ Registers load(T const* data) const {
    constexpr int K = Registers::count;
    Registers a{};
    if constexpr (!layout::staged) {
      if (mine()) a = load_row<Registers>(data, row());
    } else if constexpr (K > 0) {
      __syncthreads();
      T const* const from = data + first_ * K;
      MHC_UNROLL for (int k = 0; k < K; ++k) {
        int const e = k * layout::threads + thread();
        if (e < count_ * K) shared_[e / K * (K | 1) + e % K] = from[e];
      }
      __syncthreads();
      if (mine()) MHC_UNROLL for (int k = 0; k < K; ++k) a[k] = shared_[thread() * (K | 1) + k];
    }
    return a;
  }

  template <class Registers>
  __device__ void store(Registers const& a, T* data) const {
    constexpr int K = Registers::count;
    if constexpr (!layout::staged) {
      if (mine()) store_row(a, data, row());
    } else if constexpr (K > 0) {
      __syncthreads();
      if (mine()) MHC_UNROLL for (int k = 0; k < K; ++k) shared_[thread() * (K | 1) + k] = a[k];
      __syncthreads();
      T* const to = data + first_ * K;
      MHC_UNROLL for (int k = 0; k < K; ++k) {
        int const e = k * layout::threads + thread();
        if (e < count_ * K) to[e] = shared_[e / K * (K | 1) + e % K];
      }
    }
  }

 private:
  using layout = row_layout<T, Longest>;
  __device__ static int thread() { return static_cast<int>(threadIdx.x); }

  T* shared_;
  std::ptrdiff_t first_;
  int count_;
};

/// body(rows) for every group of rows that this block has, `Longest` being the longest row that it moves.
template <class T, int Longest, class Body>
__device__ inline void for_each_row(std::ptrdiff_t size, Body const& body) {
  using layout = row_layout<T, Longest>;
  __shared__ T shared[layout::elements];
  std::ptrdiff_t const turn = static_cast<std::ptrdiff_t>(gridDim.x) * layout::threads;
  for (std::ptrdiff_t first = static_cast<std::ptrdiff_t>(blockIdx.x) * layout::threads; first < size; first += turn) {
    std::ptrdiff_t const left = size - first;
    body(thread_rows<T, Longest>(shared, first, left < layout::threads ? static_cast<int>(left) : layout::threads));
  }
}

template <class T, int Longest, class... Parameters, class... Arguments>
void launch_over_rows(cuda::policy const& where, char const* operation, void (*kernel)(Parameters...),
                      std::ptrdiff_t size, Arguments const&... arguments) {
  constexpr int threads = row_layout<T, Longest>::threads;
  if (size > 0) launch(where, operation, kernel, {block_count(size, threads), threads}, arguments...);
}

}  // namespace mhc::detail
