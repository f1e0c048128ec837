// SPDX-License-Identifier: MIT
#pragma once

// Device memory for tests that run on it directly.

#include "cuda/support/staged.cuh"

#include <vector>

namespace mhc::test {

template <class T>
class device_array {
 public:
  explicit device_array(std::ptrdiff_t count, unsigned char fill = 0xff) : count_(count) {
    require_success(cudaMalloc(&data_, static_cast<std::size_t>(count) * sizeof(T)), "cudaMalloc");
    require_success(cudaMemset(data_, fill, static_cast<std::size_t>(count) * sizeof(T)), "cudaMemset");
  }
  explicit device_array(std::vector<T> const& values) : device_array(static_cast<std::ptrdiff_t>(values.size())) {
    require_success(cudaMemcpy(data_, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice), "copying in");
    require_success(cudaDeviceSynchronize(), "copying in");
  }
  device_array(device_array const&) = delete;
  device_array& operator=(device_array const&) = delete;
  ~device_array() { cudaFree(data_); }

  T* data() const { return data_; }
  std::vector<T> values() const { return values(0, count_); }
  std::vector<T> values(std::ptrdiff_t first, std::ptrdiff_t count) const {
    require_success(cudaDeviceSynchronize(), "running");
    std::vector<T> v(static_cast<std::size_t>(count));
    require_success(cudaMemcpy(v.data(), data_ + first, v.size() * sizeof(T), cudaMemcpyDeviceToHost), "copying out");
    return v;
  }

 private:
  T* data_ = nullptr;
  std::ptrdiff_t count_;
};

/// A stream of its own, which the legacy default stream does not wait for.
class device_stream {
 public:
  device_stream() { require_success(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "creating a stream"); }
  /// Of the highest priority or of the lowest.
  explicit device_stream(bool urgent) {
    int least = 0, greatest = 0;
    require_success(cudaDeviceGetStreamPriorityRange(&least, &greatest), "asking for priorities");
    require_success(cudaStreamCreateWithPriority(&stream_, cudaStreamNonBlocking, urgent ? greatest : least),
                    "creating a stream");
  }
  device_stream(device_stream const&) = delete;
  device_stream& operator=(device_stream const&) = delete;
  ~device_stream() { cudaStreamDestroy(stream_); }
  operator cudaStream_t() const { return stream_; }

 private:
  cudaStream_t stream_ = nullptr;
};

}  // namespace mhc::test
