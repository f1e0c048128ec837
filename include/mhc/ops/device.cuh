// SPDX-License-Identifier: MIT
#pragma once

#if !defined(__CUDACC__)
#  error "<mhc/ops/device.cuh> is for nvcc; a .cpp file includes <mhc/mhc.hpp>"
#endif

#include <mhc/core/error.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>

#include <cuda_runtime.h>

#include <cstddef>
#include <string>

/// @file
/// The CUDA policy, and how every CUDA backend reaches the device: pointers are checked, kernels are launched.

namespace mhc::cuda {

/// Enqueues on `stream` of the current device and returns; all pointers are device or managed memory. Nothing is
/// allocated and nothing waits, so every operation can be captured in a graph. Operations that need scratch take it
/// from `workspace`, which must not be in use by another stream; `workspace_bytes(…)` says how much. The result has the
/// same bits from run to run.
struct policy {
  using execution_policy_tag = void;

  cudaStream_t stream = nullptr;
  void* workspace = nullptr;  ///< 16-byte aligned device memory
  std::size_t workspace_bytes = 0;
};

}  // namespace mhc::cuda

namespace mhc::detail {

inline void check_cuda(char const* operation, char const* doing, cudaError_t status) {
  if (status == cudaSuccess) return;
  cudaGetLastError();  // CUDA keeps it, and whoever asks next would take it for his own
  throw cuda_error(std::string(operation) + ": " + doing + ": " + cudaGetErrorName(status) + ": " +
                   cudaGetErrorString(status));
}

/// An event without a time, for an order between streams. CUDA keeps what a stream still needs of one that is destroyed.
class stream_event {
 public:
  explicit stream_event(char const* operation) {
    check_cuda(operation, "creating an event", cudaEventCreateWithFlags(&event_, cudaEventDisableTiming));
  }
  stream_event(stream_event const&) = delete;
  stream_event& operator=(stream_event const&) = delete;
  ~stream_event() { cudaEventDestroy(event_); }
  operator cudaEvent_t() const { return event_; }

 private:
  cudaEvent_t event_ = nullptr;
};

/// Throws unless every pointer that is not null is memory that a kernel may use: name, pointer, name, pointer, … Legal
/// while a stream is captured.
inline void require_device_memory(char const*) {}
template <class... More>
void require_device_memory(char const* operation, char const* name, void const* data, More const&... more) {
  if (data != nullptr) {
    cudaPointerAttributes attributes{};
    check_cuda(operation, "asking where an argument lies", cudaPointerGetAttributes(&attributes, data));
    if (attributes.type != cudaMemoryTypeDevice && attributes.type != cudaMemoryTypeManaged)
      throw shape_error(std::string(operation) + ": " + name + " is host memory, expected device or managed memory");
  }
  require_device_memory(operation, more...);
}

/// Blocks for `count` pieces of work, `per_block` each, where a kernel takes further turns beyond the largest grid.
inline unsigned block_count(std::ptrdiff_t count, std::ptrdiff_t per_block) {
  constexpr std::ptrdiff_t most = 2147483647;
  std::ptrdiff_t const blocks = count / per_block + (count % per_block != 0);
  return static_cast<unsigned>(blocks < most ? blocks : most);
}

/// How many blocks of how many threads, each block with so many bytes of dynamic shared memory; in clusters of so many.
struct launch_shape {
  unsigned blocks;
  int threads;
  int shared_bytes = 0;
  int cluster = 1;
};

/// The number of blocks, and a number by which the compiler does not know again what it has computed before: where it would
/// keep that in registers, and has none to spare.
__device__ inline unsigned blocks_of_grid() {
#if defined(__CUDA_ARCH__)
  unsigned blocks;
  asm volatile("mov.u32 %0, %%nctaid.x;" : "=r"(blocks));
  return blocks;
#else
  return gridDim.x;
#endif
}
__device__ inline unsigned forgotten(unsigned number) {
  asm volatile("" : "+r"(number));
  return number;
}

/// So much dynamic shared memory a block can have on every device from sm_80 on: on sm_86, sm_89 and sm_120 no more.
inline constexpr int least_shared_memory = 99 * 1024;

/// Whether a block of the present device can have so much dynamic shared memory.
inline bool has_shared_memory(char const* operation, int bytes) {
  int device = 0, most = 0;
  check_cuda(operation, "asking for the device", cudaGetDevice(&device));
  check_cuda(operation, "asking for shared memory",
             cudaDeviceGetAttribute(&most, cudaDevAttrMaxSharedMemoryPerBlockOptin, device));
  return bytes <= most;
}

template <class... Parameters, class... Arguments>
void launch(cuda::policy const& where, char const* operation, void (*kernel)(Parameters...), launch_shape shape,
            Arguments const&... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(shape.blocks);
  config.blockDim = dim3(static_cast<unsigned>(shape.threads));
  config.dynamicSmemBytes = static_cast<std::size_t>(shape.shared_bytes);
  config.stream = where.stream;
  cudaLaunchAttribute cluster{};
  cluster.id = cudaLaunchAttributeClusterDimension;
  cluster.val.clusterDim.x = static_cast<unsigned>(shape.cluster);
  cluster.val.clusterDim.y = cluster.val.clusterDim.z = 1;
  config.attrs = &cluster;
  config.numAttrs = shape.cluster > 1 ? 1 : 0;
  if (shape.shared_bytes > 48 * 1024)
    check_cuda(operation, "asking for shared memory",
               cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shape.shared_bytes));
  check_cuda(operation, "launching a kernel",
             cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...));
}

}  // namespace mhc::detail

namespace mhc::cuda {

/// `later.stream` waits for what has been enqueued on `earlier.stream`; the host waits for neither.
inline void wait_impl(policy const& later, policy const& earlier) {
  constexpr char const* operation = "mhc::propagate_vjp";
  if (later.stream == earlier.stream) return;
  detail::stream_event const reached(operation);
  detail::check_cuda(operation, "recording an event", cudaEventRecord(reached, earlier.stream));
  detail::check_cuda(operation, "waiting for an event", cudaStreamWaitEvent(later.stream, reached, 0));
}

}  // namespace mhc::cuda
