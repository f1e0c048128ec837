// SPDX-License-Identifier: MIT
#pragma once

// Where your layer F stands in the examples: y = tanh(u) by element, and its gradient.

#include "device.cuh"

#include <mhc/core/views.hpp>

namespace example {

__global__ void tanh_kernel(float const* u, float* y, std::ptrdiff_t count) {
  std::ptrdiff_t const k = static_cast<std::ptrdiff_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (k < count) y[k] = tanhf(u[k]);
}

__global__ void tanh_vjp_kernel(float const* y, float const* y_gradient, float* u_gradient, std::ptrdiff_t count) {
  std::ptrdiff_t const k = static_cast<std::ptrdiff_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (k < count) u_gradient[k] = (1 - y[k] * y[k]) * y_gradient[k];
}

struct tanh_layer {
  cudaStream_t stream;

  void forward(mhc::token_view<float const> u, mhc::token_view<float> y) const {
    std::ptrdiff_t const count = u.size * u.channels;
    launch(stream, count, 256, tanh_kernel, u.data, y.data, count);
  }
  void vjp(mhc::token_view<float const> y, mhc::token_view<float const> y_gradient,
           mhc::token_view<float> u_gradient) const {
    std::ptrdiff_t const count = y.size * y.channels;
    launch(stream, count, 256, tanh_vjp_kernel, y.data, y_gradient.data, u_gradient.data, count);
  }
};

}  // namespace example
