// SPDX-License-Identifier: MIT
#pragma once

#include "../../support/device.cuh"
#include "../transformer/connection_settings.hpp"

#include <mhc/cuda.hpp>

#include <cstddef>

/// What is made in this translation unit runs on the device.
#define DEMO_PLACE on_device

namespace demo::on_device {

/// Where the streams of a stack lie, and under which policy they are computed: all of the demo is on the default stream.
class place {
 public:
  template <class T>
  using memory = example::device_array<T>;

  explicit place(connection_settings const&) {}

  template <class Kind>
  mhc::cuda::policy policy(Kind const& kind, std::ptrdiff_t tokens) {
    grow(workspace_, static_cast<std::ptrdiff_t>(mhc::cuda::workspace_bytes(kind, tokens)));
    return {nullptr, workspace_.data(), workspace_.bytes()};
  }

  template <class T>
  static void grow(memory<T>& values, std::ptrdiff_t size) {
    if (values.size() < size) values = memory<T>(size);
  }
  template <class T>
  static void copy_to_host(T const* from, std::ptrdiff_t count, T* to) {
    example::require(cudaMemcpy(to, from, static_cast<std::size_t>(count) * sizeof(T), cudaMemcpyDeviceToHost),
                     "copying from the device");
  }

 private:
  memory<char> workspace_;
};

}  // namespace demo::on_device
