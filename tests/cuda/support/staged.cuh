// SPDX-License-Identifier: MIT
#pragma once

// Host arrays on the device for the time of one operation, between guards.

#include "cuda/support/device.hpp"

#include <mhc/ops/device.cuh>

#include <cstddef>
#include <cstring>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

namespace mhc::test {

inline void require_success(cudaError_t status, char const* doing) {
  if (status != cudaSuccess)
    throw std::runtime_error(std::string(doing) + ": " + cudaGetErrorName(status) + ": " + cudaGetErrorString(status));
}

class staged {
 public:
  explicit staged(device_policy const& policy) : misaligned_(policy.misaligned), poisoned_(policy.poisoned) {
    require_success(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), "cudaStreamCreateWithFlags");
  }
  staged(staged const&) = delete;
  staged& operator=(staged const&) = delete;
  ~staged() {
    for (auto const& a : arrays_) cudaFree(a.device);
    cudaFree(workspace_);
    cudaStreamDestroy(stream_);
  }

  /// The same elements on the device; the same address for the same array. Nothing for an array that is not there.
  template <class T>
  T* operator()(T* host, std::ptrdiff_t count) {
    if (host == nullptr || count <= 0) return nullptr;
    std::size_t const bytes = static_cast<std::size_t>(count) * sizeof(T);
    for (auto& a : arrays_) {
      if (a.host != host || a.bytes != bytes) continue;
      a.written = a.written || !std::is_const_v<T>;
      return reinterpret_cast<T*>(a.device + a.first);
    }
    array a{host, bytes, nullptr, guard + (misaligned_ ? sizeof(T) : 0), !std::is_const_v<T>};
    require_success(cudaMalloc(&a.device, bytes + 3 * guard), "cudaMalloc");
    std::vector<char> memory(bytes + 3 * guard, mark);
    std::memcpy(memory.data() + a.first, host, bytes);
    require_success(cudaMemcpy(a.device, memory.data(), memory.size(), cudaMemcpyHostToDevice), "copying in");
    arrays_.push_back(a);
    return reinterpret_cast<T*>(a.device + a.first);
  }
  template <class T, int K>
  vector_view<T, K> operator()(vector_view<T, K> v) {
    return {(*this)(v.data, v.size * K), v.size};
  }
  template <class T, int N>
  batch_view<T, N> operator()(batch_view<T, N> v) {
    return {(*this)(v.data, v.size * N * N), v.size};
  }
  template <class T, int N>
  stream_view<T, N> operator()(stream_view<T, N> v) {
    return {(*this)(v.data, v.size * N * v.channels), v.size, v.channels};
  }
  template <class T>
  token_view<T> operator()(token_view<T> v) {
    return {(*this)(v.data, v.size * v.channels), v.size, v.channels};
  }
  template <class Kind, class T>
  parameters_of<Kind, T> operator()(Kind const& kind, parameters_of<Kind, T> const& p) {
    return {(*this)(p.phi, phi_size(kind)), (*this)(p.alpha, alpha_size(kind)), (*this)(p.bias, bias_size(kind))};
  }

  /// The policy of the operation, with so much workspace, all of it poison if it is to be.
  cuda::policy policy(std::size_t workspace_bytes = 0) {
    if (workspace_bytes > 0) {
      require_success(cudaMalloc(&workspace_, workspace_bytes), "cudaMalloc");
      if (poisoned_) {
        std::vector<unsigned char> const poison(workspace_bytes, 0xff);  // NaN in every format
        require_success(cudaMemcpy(workspace_, poison.data(), workspace_bytes, cudaMemcpyHostToDevice), "copying in");
      }
    }
    require_success(cudaDeviceSynchronize(), "copying in");
    return {stream_, workspace_, workspace_bytes};
  }

  /// Waits, brings back what may have been written, and looks at the guards.
  void finish() {
    require_success(cudaStreamSynchronize(stream_), "running");
    for (auto const& a : arrays_) {
      std::vector<char> memory(a.bytes + 3 * guard);
      require_success(cudaMemcpy(memory.data(), a.device, memory.size(), cudaMemcpyDeviceToHost), "copying out");
      for (std::size_t k = 0; k < memory.size(); ++k)
        if ((k < a.first || k >= a.first + a.bytes) && memory[k] != mark)
          throw std::runtime_error("something was written beside an array on the device");
      if (a.written) {
        std::memcpy(const_cast<void*>(a.host), memory.data() + a.first, a.bytes);
      } else if (std::memcmp(a.host, memory.data() + a.first, a.bytes) != 0) {
        throw std::runtime_error("an argument that is only read was written on the device");
      }
    }
  }

 private:
  static constexpr std::size_t guard = 256;
  static constexpr char mark = 0x5a;
  struct array {
    void const* host;
    std::size_t bytes;
    char* device;
    std::size_t first;
    bool written;
  };
  bool misaligned_, poisoned_;
  cudaStream_t stream_ = nullptr;
  void* workspace_ = nullptr;
  std::vector<array> arrays_;
};

}  // namespace mhc::test
