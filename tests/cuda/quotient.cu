// SPDX-License-Identifier: MIT
#include "cuda/support/memory.cuh"
#include "cuda/support/quotient.hpp"

#include <mhc/math/lane.hpp>
#include <mhc/ops/device.cuh>

namespace mhc::test {

namespace {

__global__ void __launch_bounds__(128) quotient_kernel(float const* a, float const* b, float* to, std::ptrdiff_t size) {
  std::ptrdiff_t const turn = static_cast<std::ptrdiff_t>(gridDim.x) * blockDim.x;
  for (std::ptrdiff_t k = static_cast<std::ptrdiff_t>(blockIdx.x) * blockDim.x + threadIdx.x; k < size; k += turn)
    to[k] = math::quotient(a[k], b[k]);
}

}  // namespace

std::vector<float> quotients_on_device(std::vector<float> const& a, std::vector<float> const& b) {
  auto const size = static_cast<std::ptrdiff_t>(a.size());
  device_array<float> const as(a), bs(b), to(size);
  require_success(cudaDeviceSynchronize(), "copying in");
  detail::launch({}, "quotient", quotient_kernel, {detail::block_count(size, 128), 128}, as.data(), bs.data(),
                 to.data(), size);
  require_success(cudaDeviceSynchronize(), "running");
  return to.values();
}

}  // namespace mhc::test
