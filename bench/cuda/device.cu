// SPDX-License-Identifier: MIT
#include "cases.hpp"
#include "timing.cuh"

namespace mhc::bench {

device_facts present_device() {
  cudaDeviceProp p{};
  require_success(cudaGetDeviceProperties(&p, 0), "cudaGetDeviceProperties");
  int driver = 0, runtime = 0;
  require_success(cudaDriverGetVersion(&driver), "cudaDriverGetVersion");
  require_success(cudaRuntimeGetVersion(&runtime), "cudaRuntimeGetVersion");
  return {p.name,
          p.multiProcessorCount,
          static_cast<std::size_t>(p.l2CacheSize),
          std::to_string(p.major) + "." + std::to_string(p.minor),
          driver,
          runtime};
}

namespace {

/// 16 bytes a thread: what a kernel that only copies reaches.
__global__ void __launch_bounds__(256) copy_kernel(float4 const* from, float4* to) {
  std::ptrdiff_t const k = static_cast<std::ptrdiff_t>(blockIdx.x) * 256 + threadIdx.x;
  to[k] = from[k];
}

}  // namespace

copy_rates copy_bandwidth() {
  constexpr std::ptrdiff_t count = std::ptrdiff_t{1} << 28;
  auto const from = array::random<float>(count, 1, 1), to = array::random<float>(count, 1, 2);
  auto const rate = [&](auto const& copy) {
    return 2 * static_cast<double>(from.bytes()) / (time(1, copy).microseconds * 1e-6);
  };
  double const by_driver = rate([&](cudaStream_t stream, std::size_t) {
    require_success(cudaMemcpyAsync(to.data(), from.data(), from.bytes(), cudaMemcpyDeviceToDevice, stream), "copying");
  });
  double const by_kernel = rate([&](cudaStream_t stream, std::size_t) {
    copy_kernel<<<count / 4 / 256, 256, 0, stream>>>(static_cast<float4 const*>(from.data()),
                                                     static_cast<float4*>(to.data()));
    require_success(cudaGetLastError(), "copying");
  });
  return {by_driver, by_kernel};
}

}  // namespace mhc::bench
