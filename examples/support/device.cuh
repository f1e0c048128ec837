// SPDX-License-Identifier: MIT
#pragma once

// What a program around <mhc/cuda.hpp> needs of CUDA's runtime: memory, streams and events that clean up after
// themselves, and every error in words.

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdio>
#include <exception>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace example {

/// @throws std::runtime_error  what was being done, and CUDA's name and words for what went wrong
inline void require(cudaError_t status, char const* doing) {
  if (status == cudaSuccess) return;
  throw std::runtime_error(std::string(doing) + ": " + cudaGetErrorName(status) + ": " + cudaGetErrorString(status));
}

template <class T>
class device_array {
 public:
  device_array() = default;
  explicit device_array(std::ptrdiff_t count) : count_(count) {
    if (count > 0) require(cudaMalloc(&data_, bytes()), "allocating memory of the device");
  }
  explicit device_array(std::vector<T> const& values) : device_array(static_cast<std::ptrdiff_t>(values.size())) {
    require(cudaMemcpy(data_, values.data(), bytes(), cudaMemcpyHostToDevice), "copying to the device");
    require(cudaDeviceSynchronize(), "copying to the device");  // streams below do not wait for the default stream
  }
  device_array(device_array&& other) noexcept { swap(other); }
  device_array& operator=(device_array&& other) noexcept {
    swap(other);
    return *this;
  }
  ~device_array() { cudaFree(data_); }

  T* data() const { return data_; }
  std::ptrdiff_t size() const { return count_; }
  std::size_t bytes() const { return static_cast<std::size_t>(count_) * sizeof(T); }

  /// After all that the device has been given.
  std::vector<T> values() const {
    std::vector<T> all(static_cast<std::size_t>(count_));
    require(cudaDeviceSynchronize(), "waiting for the device");
    require(cudaMemcpy(all.data(), data_, bytes(), cudaMemcpyDeviceToHost), "copying from the device");
    return all;
  }

 private:
  void swap(device_array& other) {
    std::swap(data_, other.data_);
    std::swap(count_, other.count_);
  }

  T* data_ = nullptr;
  std::ptrdiff_t count_ = 0;
};

/// A stream that the default stream does not wait for.
class device_stream {
 public:
  enum class priority { least, greatest };

  explicit device_stream(priority wanted = priority::least) {
    int least = 0, greatest = 0;
    require(cudaDeviceGetStreamPriorityRange(&least, &greatest), "asking for the priorities of streams");
    require(
        cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, wanted == priority::greatest ? greatest : least),
        "creating a stream");
  }
  device_stream(device_stream const&) = delete;
  device_stream& operator=(device_stream const&) = delete;
  ~device_stream() { cudaStreamDestroy(stream_); }
  operator cudaStream_t() const { return stream_; }
  void synchronize() const { require(cudaStreamSynchronize(stream_), "waiting for a stream"); }

 private:
  cudaStream_t stream_ = nullptr;
};

/// A point in a stream, with its time.
class device_event {
 public:
  device_event() { require(cudaEventCreate(&event_), "creating an event"); }
  device_event(device_event&& other) noexcept : event_(std::exchange(other.event_, nullptr)) {}
  device_event& operator=(device_event&& other) noexcept {
    std::swap(event_, other.event_);
    return *this;
  }
  ~device_event() {
    if (event_ != nullptr) cudaEventDestroy(event_);
  }

  void record(cudaStream_t stream) { require(cudaEventRecord(event_, stream), "recording an event"); }
  void hold(cudaStream_t stream) const { require(cudaStreamWaitEvent(stream, event_, 0), "waiting for an event"); }
  double microseconds_since(device_event const& start) const {
    float milliseconds = 0;
    require(cudaEventSynchronize(event_), "waiting for an event");
    require(cudaEventElapsedTime(&milliseconds, start.event_, event_), "reading a time");
    return 1e3 * static_cast<double>(milliseconds);
  }

 private:
  cudaEvent_t event_ = nullptr;
};

/// What `later` is given from here on comes after what `earlier` has been given.
inline void follow(cudaStream_t later, cudaStream_t earlier) {
  device_event reached;
  reached.record(earlier);
  reached.hold(later);
}

/// A kernel in blocks of 256 threads, `per_block` of `count` pieces of work each. Nothing to launch where there is none.
template <class... Parameters, class... Arguments>
void launch(cudaStream_t stream, std::ptrdiff_t count, std::ptrdiff_t per_block, void (*kernel)(Parameters...),
            Arguments const&... arguments) {
  if (count == 0) return;
  cudaLaunchConfig_t config{};
  config.gridDim = dim3(static_cast<unsigned>((count + per_block - 1) / per_block));
  config.blockDim = dim3(256);
  config.stream = stream;
  require(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...), "launching a kernel");
}

/// `run`'s exit status; that of every error is said in one sentence. Without a device: 4, which ctest knows as skipped.
template <class Run>
int run_on_device(char const* program, Run const& run) {
  try {
    int count = 0;
    auto const status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess || count == 0) {
      std::fprintf(stderr, "%s: there is no CUDA device: %s\n", program,
                   status == cudaSuccess ? "none is visible" : cudaGetErrorString(status));
      return 4;
    }
    return run();
  } catch (std::exception const& e) {
    std::fprintf(stderr, "%s: %s\n", program, e.what());
    return 1;
  }
}

}  // namespace example
