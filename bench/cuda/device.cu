// SPDX-License-Identifier: MIT
#include "cases.hpp"
#include "timing.cuh"

namespace mhc::bench {

device_facts present_device() {
  cudaDeviceProp p{};
  require_success(cudaGetDeviceProperties(&p, 0), "cudaGetDeviceProperties");
  return {p.name, p.multiProcessorCount, static_cast<std::size_t>(p.l2CacheSize),
          std::to_string(p.major) + "." + std::to_string(p.minor)};
}

double copy_bandwidth() {
  constexpr std::ptrdiff_t count = std::ptrdiff_t{1} << 28;
  array const from(count, 1), to(count, 2);
  auto const t = time(1, [&](cudaStream_t stream, std::size_t) {
    require_success(cudaMemcpyAsync(to.data(), from.data(), from.bytes(), cudaMemcpyDeviceToDevice, stream), "copying");
  });
  return 2 * static_cast<double>(from.bytes()) / (t.microseconds * 1e-6);
}

}  // namespace mhc::bench
