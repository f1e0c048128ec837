// SPDX-License-Identifier: MIT
#pragma once

// Found instead of CUDA's own header when a .cu file is compiled as plain C++: kernels run on the host, block after
// block, their threads as fibers, in an order that a test chooses. What the library and its tests use of CUDA, no more.

#include "cuda_emulation/fibers.hpp"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <source_location>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)
#define __shared__ static thread_local  // one block at a time per host thread

using dim3 = cuda_emulation::extent;
using cuda_emulation::blockDim, cuda_emulation::blockIdx, cuda_emulation::gridDim, cuda_emulation::threadIdx;

inline void __syncthreads(std::source_location where = std::source_location::current()) {
  cuda_emulation::wait_for_block(where);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int distance) {
  static_assert(sizeof(T) <= 8);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof(T));
  bits = cuda_emulation::exchange(mask, bits, static_cast<int>(cuda_emulation::running().number % 32) ^ distance);
  std::memcpy(&value, &bits, sizeof(T));
  return value;
}

// The runtime: one device, every stream finished when a call returns (or captured), device memory a kind of host memory.

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorStreamCaptureUnsupported = 900
};
enum cudaMemoryType {
  cudaMemoryTypeUnregistered = 0,
  cudaMemoryTypeHost = 1,
  cudaMemoryTypeDevice = 2,
  cudaMemoryTypeManaged = 3
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice = 1, cudaMemcpyDeviceToHost = 2, cudaMemcpyDeviceToDevice = 3 };
namespace cuda_emulation {

/// What a graph runs, in its order.
using work = std::vector<std::function<void()>>;
struct stream {
  std::unique_ptr<work> captured;
};

}  // namespace cuda_emulation

using cudaStream_t = cuda_emulation::stream*;
using cudaGraph_t = cuda_emulation::work*;
using cudaGraphExec_t = cuda_emulation::work*;
enum cudaStreamCaptureMode { cudaStreamCaptureModeGlobal };
struct cudaPointerAttributes {
  cudaMemoryType type;
};
struct cudaLaunchConfig_t {
  dim3 gridDim, blockDim;
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};
constexpr unsigned cudaStreamNonBlocking = 1;

namespace cuda_emulation {

/// Device memory by its first address.
class device_memory {
 public:
  static device_memory& instance() {
    static device_memory it;
    return it;
  }
  void* take(std::size_t bytes) {
    void* const at = ::operator new(bytes, std::align_val_t{256}, std::nothrow);
    std::lock_guard const lock(mutex_);
    if (at != nullptr) sizes_[reinterpret_cast<std::uintptr_t>(at)] = bytes;
    return at;
  }
  bool give_back(void* at) {
    std::lock_guard const lock(mutex_);
    if (sizes_.erase(reinterpret_cast<std::uintptr_t>(at)) == 0) return false;
    ::operator delete(at, std::align_val_t{256});
    return true;
  }
  bool holds(void const* at) {
    std::lock_guard const lock(mutex_);
    auto const address = reinterpret_cast<std::uintptr_t>(at);
    auto next = sizes_.upper_bound(address);
    if (next == sizes_.begin()) return false;
    --next;
    return address < next->first + next->second;
  }

 private:
  std::mutex mutex_;
  std::map<std::uintptr_t, std::size_t> sizes_;
};

}  // namespace cuda_emulation

inline cudaError_t cudaGetLastError() { return cudaSuccess; }
inline char const* cudaGetErrorName(cudaError_t e) {
  return e == cudaSuccess                 ? "cudaSuccess"
         : e == cudaErrorMemoryAllocation ? "cudaErrorMemoryAllocation"
                                          : "cudaErrorInvalidValue";
}
inline char const* cudaGetErrorString(cudaError_t e) {
  return e == cudaErrorMemoryAllocation ? "out of memory" : "invalid argument";
}
inline cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
template <class T>
cudaError_t cudaMalloc(T** at, std::size_t bytes) {
  *at = static_cast<T*>(cuda_emulation::device_memory::instance().take(bytes));
  return *at == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}
inline cudaError_t cudaFree(void* at) {
  return at == nullptr || cuda_emulation::device_memory::instance().give_back(at) ? cudaSuccess : cudaErrorInvalidValue;
}
inline cudaError_t cudaMemcpy(void* to, void const* from, std::size_t bytes, cudaMemcpyKind) {
  std::memcpy(to, from, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaMemset(void* at, int byte, std::size_t bytes) {
  std::memset(at, byte, bytes);
  return cudaSuccess;
}
inline cudaError_t cudaPointerGetAttributes(cudaPointerAttributes* attributes, void const* at) {
  attributes->type =
      cuda_emulation::device_memory::instance().holds(at) ? cudaMemoryTypeDevice : cudaMemoryTypeUnregistered;
  return cudaSuccess;
}
inline cudaError_t cudaDeviceSynchronize() { return cudaSuccess; }

inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new cuda_emulation::stream;
  return cudaSuccess;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  delete stream;
  return cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  return stream != nullptr && stream->captured ? cudaErrorStreamCaptureUnsupported : cudaSuccess;
}
inline cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  stream->captured = std::make_unique<cuda_emulation::work>();
  return cudaSuccess;
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  *graph = stream->captured.release();
  return cudaSuccess;
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* program, cudaGraph_t graph, unsigned long long) {
  *program = new cuda_emulation::work(*graph);
  return cudaSuccess;
}
inline cudaError_t cudaGraphLaunch(cudaGraphExec_t program, cudaStream_t) {
  for (auto const& task : *program) task();
  return cudaSuccess;
}
inline cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  delete graph;
  return cudaSuccess;
}
inline cudaError_t cudaGraphExecDestroy(cudaGraphExec_t program) {
  delete program;
  return cudaSuccess;
}

namespace cuda_emulation {

inline void enqueue(cudaStream_t stream, std::function<void()> task) {
  if (stream != nullptr && stream->captured)
    stream->captured->push_back(std::move(task));
  else
    task();
}

}  // namespace cuda_emulation

inline cudaError_t cudaMemcpyAsync(void* to, void const* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  cuda_emulation::enqueue(stream, [=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void* at, int byte, std::size_t bytes, cudaStream_t stream) {
  cuda_emulation::enqueue(stream, [=] { std::memset(at, byte, bytes); });
  return cudaSuccess;
}
template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(cudaLaunchConfig_t const* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  dim3 const grid = config->gridDim, threads = config->blockDim;
  auto const count = std::uint64_t{threads.x} * threads.y * threads.z;
  if (count == 0 || count > 1024 || grid.x == 0) return cudaErrorInvalidConfiguration;
  cuda_emulation::enqueue(config->stream, [=, ... a = static_cast<Parameters>(arguments)] {
    cuda_emulation::run_grid(grid, threads, [&] { kernel(a...); });
  });
  return cudaSuccess;
}
