// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace mhc::bench {

/// One operation at one size: how many bytes it has to move, and how long it took.
struct result {
  std::string operation;
  std::ptrdiff_t size, channels;  ///< tokens, or matrices with channels 0
  double bytes;                   ///< every input read once, every output written once
  double microseconds, spread;
};

struct device_facts {
  std::string name;
  int multiprocessors;
  std::size_t cache;  ///< bytes of L2
  std::string capability;
  int driver, runtime;  ///< CUDA versions: 1000·major + 10·minor
};

using report = std::function<void(result const&)>;
device_facts present_device();

/// Bytes read and written per second by a copy of 1 GB on the device.
struct copy_rates {
  double by_driver, by_kernel;  ///< cudaMemcpyAsync; a kernel that moves 16 bytes per thread
  double best() const { return by_driver > by_kernel ? by_driver : by_kernel; }
};
copy_rates copy_bandwidth();
void time_streams(std::ptrdiff_t tokens, std::ptrdiff_t channels, report const&);
void time_gates(std::ptrdiff_t tokens, std::ptrdiff_t channels, report const&);
void time_projections(std::ptrdiff_t matrices, report const&);

}  // namespace mhc::bench
