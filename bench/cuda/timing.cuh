// SPDX-License-Identifier: MIT
#pragma once

// Times of work on a stream: a graph of enough rounds to fill a millisecond, replayed between two events; the median.
// Each round takes the next of several sets of arrays, together larger than twice the L2 cache, so that nothing is read
// from there that the round before has left.

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <vector>

namespace mhc::bench {

inline void require_success(cudaError_t status, char const* doing) {
  if (status != cudaSuccess)
    throw std::runtime_error(std::string(doing) + ": " + cudaGetErrorName(status) + ": " + cudaGetErrorString(status));
}

template <class T>
__global__ void fill_kernel(T* to, std::ptrdiff_t count, float scale, unsigned seed) {
  std::ptrdiff_t const turn = static_cast<std::ptrdiff_t>(gridDim.x) * blockDim.x;
  for (std::ptrdiff_t k = static_cast<std::ptrdiff_t>(blockIdx.x) * blockDim.x + threadIdx.x; k < count; k += turn) {
    auto h = static_cast<unsigned>(k) * 2654435761U + seed * 40503U;
    h ^= h >> 15, h *= 2246822519U, h ^= h >> 13, h *= 3266489917U, h ^= h >> 16;
    to[k] = T(scale * (static_cast<float>(h) * (3.46f / 4294967296.0f) - 1.73f));  // uniform, variance 1
  }
}

/// Device memory with random numbers.
class array {
 public:
  template <class T>
  static array random(std::ptrdiff_t count, double scale, unsigned seed) {
    array a(static_cast<std::size_t>(count) * sizeof(T));
    fill_kernel<<<1024, 256>>>(static_cast<T*>(a.data_), count, static_cast<float>(scale), seed);
    require_success(cudaGetLastError(), "filling");
    return a;
  }
  array(array&& other) noexcept : data_(other.data_), bytes_(other.bytes_) { other.data_ = nullptr; }
  array& operator=(array&&) = delete;
  ~array() { cudaFree(data_); }
  void* data() const { return data_; }
  std::size_t bytes() const { return bytes_; }

 private:
  explicit array(std::size_t bytes) : bytes_(bytes) {
    require_success(cudaMalloc(&data_, std::max<std::size_t>(bytes, 1)), "cudaMalloc");
  }

  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

struct measurement {
  double microseconds, spread;  ///< median, and the middle half of all replays
};

/// round(stream, k) enqueues one round on set k of `sets`.
template <class Round>
measurement time(std::size_t sets, Round const& round) {
  cudaStream_t stream{};
  cudaEvent_t begin{}, end{};
  require_success(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking), "creating a stream");
  require_success(cudaEventCreate(&begin), "creating an event");
  require_success(cudaEventCreate(&end), "creating an event");
  require_success(cudaDeviceSynchronize(), "filling");
  auto const elapsed = [&](auto const& work) {
    float milliseconds = 0;
    require_success(cudaEventRecord(begin, stream), "recording an event");
    work();
    require_success(cudaEventRecord(end, stream), "recording an event");
    require_success(cudaEventSynchronize(end), "running");
    require_success(cudaEventElapsedTime(&milliseconds, begin, end), "timing");
    return 1e3 * static_cast<double>(milliseconds);
  };
  for (std::size_t k = 0; k < sets; ++k) round(stream, k);  // loads the module
  double const once = elapsed([&] { round(stream, 0); });
  std::size_t const rounds = std::clamp<std::size_t>(static_cast<std::size_t>(2000 / once), sets, 400) / sets * sets;
  cudaGraph_t graph{};
  cudaGraphExec_t program{};
  require_success(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capturing");
  for (std::size_t k = 0; k < rounds; ++k) round(stream, k % sets);
  require_success(cudaStreamEndCapture(stream, &graph), "capturing");
  require_success(cudaGraphInstantiate(&program, graph, 0), "cudaGraphInstantiate");
  std::vector<double> times;
  for (int replay = 0; replay < 13; ++replay) {
    double const t = elapsed([&] { require_success(cudaGraphLaunch(program, stream), "cudaGraphLaunch"); });
    if (replay >= 2) times.push_back(t / static_cast<double>(rounds));
  }
  std::sort(times.begin(), times.end());
  cudaGraphExecDestroy(program);
  cudaGraphDestroy(graph);
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  cudaStreamDestroy(stream);
  return {times[times.size() / 2], times[times.size() * 3 / 4] - times[times.size() / 4]};
}

}  // namespace mhc::bench
