// SPDX-License-Identifier: MIT
#pragma once

// Found instead of CUDA's own header when a .cu file is compiled as plain C++: kernels run on the host, block after
// block, their threads as fibers, in an order that a test chooses. What the library and its tests use of CUDA, no more.

#include "cuda_emulation/grid.hpp"

#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#define MHC_CUDA_EMULATION  // the library's own wrappers of instructions come from here
#define __global__
#define __device__
#define __host__
#define __launch_bounds__(...)
#define __shared__ static thread_local  // one block at a time per host thread

using dim3 = cuda_emulation::extent;
using cuda_emulation::blockDim, cuda_emulation::blockIdx, cuda_emulation::gridDim, cuda_emulation::threadIdx;

inline void __syncthreads(char const* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
  cuda_emulation::wait_for_block(file, line);
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

inline unsigned __float_as_uint(float x) {
  unsigned bits = 0;
  std::memcpy(&bits, &x, sizeof x);
  return bits;
}
inline float __uint_as_float(unsigned bits) {
  float x = 0;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}

namespace cuda_emulation {

inline void arrive(copy const& c) {
  if (c.from != nullptr)
    std::memcpy(c.to, c.from, c.bytes);
  else
    std::memset(c.to, 0, c.bytes);
}

/// A copy arrives when it is waited for, no sooner; or, in every other order of threads, at once; as one of 2 bytes, which
/// is none that can be left behind, always does.
template <int Bytes, bool = false>
void copy_async(void* shared, void const* global, bool exists) {
  static_assert(Bytes == 2 || Bytes == 4 || Bytes == 8 || Bytes == 16);
  if (reinterpret_cast<std::uintptr_t>(shared) % Bytes != 0 ||
      (exists && reinterpret_cast<std::uintptr_t>(global) % Bytes != 0))
    stop("a misaligned copy");
  copy const c{shared, exists ? global : nullptr, Bytes};
  if (Bytes == 2 || thread_order % 2 == 1)
    arrive(c);
  else
    running().copies.back().push_back(c);
}
inline void commit_copies() { running().copies.emplace_back(); }
template <int Groups>
void wait_for_copies() {
  auto& groups = running().copies;
  while (groups.size() > Groups + 1) {
    for (auto const& c : groups.front()) arrive(c);
    groups.erase(groups.begin());
  }
}

/// C (16×8) += A (16×8D) B (8D×8) by a warp; lane 4g + q holds the elements that <mhc/ops/mma.cuh> says, in registers of
/// D: first those of A.
template <unsigned D, class T>
void multiply_matrices(T (&c)[4], double const (&mine)[6 * D]) {
  fiber& self = running();
  unsigned const slot = self.products++ % 2;
  std::copy(std::begin(mine), std::end(mine), self.factors[slot]);
  exchange(0xffffffffU, 0, static_cast<int>(self.number % 32));
  auto const& fibers = block_now().fibers;
  unsigned const first = self.number / 32 * 32, g = self.number % 32 / 4, q = self.number % 4;
  double sum[4] = {double(c[0]), double(c[1]), double(c[2]), double(c[3])};
  for (unsigned half = 0; half < 2; ++half)
    for (unsigned lane = 0; lane < 4; ++lane) {
      auto const* const a = fibers[first + 4 * g + lane]->factors[slot] + 2 * D * half;
      auto const* const b = fibers[first + 8 * q + lane]->factors[slot] + D * (4 + half);
      auto const* const next = fibers[first + 8 * q + 4 + lane]->factors[slot] + D * (4 + half);
      for (unsigned k = 0; k < D; ++k) {
        sum[0] += a[k] * b[k];
        sum[1] += a[k] * next[k];
        sum[2] += a[D + k] * b[k];
        sum[3] += a[D + k] * next[k];
      }
    }
  for (unsigned e = 0; e < 4; ++e) c[e] = static_cast<T>(sum[e]);
}
/// Four matrices of 8×8 numbers of 16 bits; lane 8i + r says where row r of matrix i lies.
inline void load_matrices(unsigned (&a)[4], void const* row) {
  if (reinterpret_cast<std::uintptr_t>(row) % 16 != 0) stop("a misaligned row of a matrix");
  fiber& self = running();
  unsigned const slot = self.products++ % 2, warp = self.number / 32 * 32, lane = self.number % 32;
  self.matrix_row[slot] = static_cast<unsigned char const*>(row);
  exchange(0xffffffffU, 0, static_cast<int>(lane));
  for (unsigned i = 0; i < 4; ++i)
    std::memcpy(&a[i], block_now().fibers[warp + 8 * i + lane / 4]->matrix_row[slot] + lane % 4 * 4, 4);
}
inline void mma(float (&c)[4], unsigned const (&a)[4], unsigned const (&b)[2]) {
  auto const cut = [](unsigned bits) { return static_cast<double>(__uint_as_float(bits & 0xffffe000U)); };
  multiply_matrices<1>(c, {cut(a[0]), cut(a[1]), cut(a[2]), cut(a[3]), cut(b[0]), cut(b[1])});
}
inline void mma(double (&c)[4], double const (&a)[4], double const (&b)[2]) {
  multiply_matrices<1>(c, {a[0], a[1], a[2], a[3], b[0], b[1]});
}
inline void mma_bfloat16(float (&c)[4], unsigned const (&a)[4], unsigned const (&b)[2]) {
  double factors[12];
  for (unsigned k = 0; k < 12; ++k) {
    unsigned const two = k < 8 ? a[k / 2] : b[k / 2 - 4];
    factors[k] = static_cast<double>(__uint_as_float(k % 2 == 0 ? two << 16 : two & 0xffff0000U));
  }
  multiply_matrices<2>(c, factors);
}

}  // namespace cuda_emulation

// The runtime: one device, device memory a kind of host memory. What a stream is given is done when the call returns, or
// captured; a stream of the least priority does it as late as may be, so that a missing wait shows.

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
enum cudaMemcpyKind {
  cudaMemcpyHostToDevice = 1,
  cudaMemcpyDeviceToHost = 2,
  cudaMemcpyDeviceToDevice = 3,
  cudaMemcpyDefault = 4
};
namespace cuda_emulation {

/// What a graph runs, in its order.
using work = std::vector<std::function<void()>>;
struct capture {
  work tasks;
  bool over = false;
};
struct stream {
  std::shared_ptr<capture> part_of;  ///< what is enqueued is captured there
  bool late = false;
  work waiting;  ///< of a late stream; the first `done` tasks have run
  std::size_t done = 0;

  bool captured() const { return part_of && !part_of->over; }
  void run_until(std::size_t count) {
    while (done < count) {
      auto const task = std::move(waiting[done++]);
      task();
    }
  }
};
inline thread_local std::vector<stream*> late_streams;
/// What a stream had been given when the event was recorded.
struct event {
  stream* on = nullptr;
  std::size_t count = 0;
  std::shared_ptr<capture> part_of;
};

}  // namespace cuda_emulation

using cudaStream_t = cuda_emulation::stream*;
using cudaEvent_t = cuda_emulation::event*;
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
  struct cudaLaunchAttribute* attrs = nullptr;
  unsigned numAttrs = 0;
};
enum cudaLaunchAttributeID { cudaLaunchAttributeClusterDimension = 4 };
struct cudaLaunchAttribute {
  cudaLaunchAttributeID id;
  struct {
    struct {
      unsigned x, y, z;
    } clusterDim;
  } val;
};
struct cudaFuncAttributes {
  int ptxVersion;
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

namespace cuda_emulation {

inline thread_local cudaError_t last_error = cudaSuccess;
inline cudaError_t failed(cudaError_t e) { return last_error = e; }

}  // namespace cuda_emulation

inline cudaError_t cudaGetLastError() { return std::exchange(cuda_emulation::last_error, cudaSuccess); }
inline cudaError_t cudaPeekAtLastError() { return cuda_emulation::last_error; }
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
struct cudaDeviceProp {
  char name[256];
};
inline cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  std::strcpy(properties->name, "an emulated device");
  return cudaSuccess;
}
template <class T>
cudaError_t cudaMalloc(T** at, std::size_t bytes) {
  *at = static_cast<T*>(cuda_emulation::device_memory::instance().take(bytes));
  return *at == nullptr ? cuda_emulation::failed(cudaErrorMemoryAllocation) : cudaSuccess;
}
inline cudaError_t cudaFree(void* at) {
  return at == nullptr || cuda_emulation::device_memory::instance().give_back(at) ? cudaSuccess : cudaErrorInvalidValue;
}
template <class T>
cudaError_t cudaMallocHost(T** at, std::size_t bytes) {
  *at = static_cast<T*>(std::malloc(bytes));
  return *at == nullptr ? cudaErrorMemoryAllocation : cudaSuccess;
}
inline cudaError_t cudaFreeHost(void* at) {
  std::free(at);
  return cudaSuccess;
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
inline cudaError_t cudaDeviceSynchronize() {
  for (auto* stream : cuda_emulation::late_streams) stream->run_until(stream->waiting.size());
  return cudaSuccess;
}
template <class Kernel>
cudaError_t cudaFuncGetAttributes(cudaFuncAttributes* attributes, Kernel) {
  attributes->ptxVersion = cuda_emulation::generation;
  return cudaSuccess;
}
inline cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}
enum cudaDeviceAttr { cudaDevAttrMaxSharedMemoryPerBlockOptin };
inline cudaError_t cudaDeviceGetAttribute(int* value, cudaDeviceAttr, int) {
  *value = cuda_emulation::shared_memory;
  return cudaSuccess;
}
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize };
template <class Kernel>
cudaError_t cudaFuncSetAttribute(Kernel, cudaFuncAttribute, int bytes) {
  return bytes <= cuda_emulation::shared_memory ? cudaSuccess : cudaErrorInvalidValue;
}

inline cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned) {
  *stream = new cuda_emulation::stream;
  return cudaSuccess;
}
inline cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  *least = 0;
  *greatest = -1;
  return cudaSuccess;
}
inline cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned, int priority) {
  *stream = new cuda_emulation::stream{.part_of = {}, .late = priority == 0, .waiting = {}};
  if ((*stream)->late) cuda_emulation::late_streams.push_back(*stream);
  return cudaSuccess;
}
inline cudaError_t cudaStreamSynchronize(cudaStream_t stream) {
  if (stream == nullptr) return cudaSuccess;
  if (stream->captured()) return cudaErrorStreamCaptureUnsupported;
  stream->run_until(stream->waiting.size());
  return cudaSuccess;
}
inline cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  cudaStreamSynchronize(stream);
  std::erase(cuda_emulation::late_streams, stream);
  delete stream;
  return cudaSuccess;
}
inline cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode) {
  stream->part_of = std::make_shared<cuda_emulation::capture>();
  return cudaSuccess;
}
inline cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  stream->part_of->over = true;
  *graph = new cuda_emulation::work(std::move(stream->part_of->tasks));
  return cudaSuccess;
}
inline cudaError_t cudaGraphInstantiate(cudaGraphExec_t* program, cudaGraph_t graph, unsigned long long) {
  *program = new cuda_emulation::work(*graph);
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
  if (stream != nullptr && stream->captured())
    stream->part_of->tasks.push_back(std::move(task));
  else if (stream != nullptr && stream->late)
    stream->waiting.push_back(std::move(task));
  else
    task();
}

}  // namespace cuda_emulation

inline cudaError_t cudaGraphLaunch(cudaGraphExec_t program, cudaStream_t stream) {
  cuda_emulation::enqueue(stream, [tasks = *program] {
    for (auto const& task : tasks) task();
  });
  return cudaSuccess;
}

constexpr unsigned cudaEventDisableTiming = 2;
inline cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  *event = new cuda_emulation::event;
  return cudaSuccess;
}
inline cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, 0); }
inline cudaError_t cudaEventDestroy(cudaEvent_t event) {
  delete event;
  return cudaSuccess;
}
inline cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t stream) {
  *event = {};
  if (stream != nullptr) *event = {stream, stream->waiting.size(), stream->captured() ? stream->part_of : nullptr};
  return cudaSuccess;
}
inline cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  if (event->on != nullptr) event->on->run_until(event->count);
  return cudaSuccess;
}
inline cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t, cudaEvent_t) {
  *milliseconds = 1;  // nothing here has a time
  return cudaSuccess;
}
/// A stream that waits for a captured one is captured with it.
inline cudaError_t cudaStreamWaitEvent(cudaStream_t stream, cudaEvent_t event, unsigned) {
  if (event->part_of)
    stream->part_of = event->part_of;
  else if (event->on != nullptr)
    cuda_emulation::enqueue(stream, [on = event->on, count = event->count] { on->run_until(count); });
  return cudaSuccess;
}

inline cudaError_t cudaMemcpyAsync(void* to, void const* from, std::size_t bytes, cudaMemcpyKind, cudaStream_t stream) {
  cuda_emulation::enqueue(stream, [=] { std::memcpy(to, from, bytes); });
  return cudaSuccess;
}
inline cudaError_t cudaMemsetAsync(void* at, int byte, std::size_t bytes, cudaStream_t stream = nullptr) {
  cuda_emulation::enqueue(stream, [=] { std::memset(at, byte, bytes); });
  return cudaSuccess;
}
template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(cudaLaunchConfig_t const* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  cuda_emulation::launch const how{config->gridDim, config->blockDim, config->dynamicSmemBytes,
                                   config->numAttrs > 0 ? config->attrs->val.clusterDim.x : 1};
  auto const count = std::uint64_t{how.threads.x} * how.threads.y * how.threads.z;
  if (count == 0 || count > 1024 || how.grid.x == 0 || how.grid.x % how.cluster != 0)
    return cuda_emulation::failed(cudaErrorInvalidConfiguration);
  cuda_emulation::enqueue(config->stream, [=, ... a = static_cast<Parameters>(arguments)] {
    cuda_emulation::run_grid(how, [&] { kernel(a...); });
  });
  return cudaSuccess;
}
