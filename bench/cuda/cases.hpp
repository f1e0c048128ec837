// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/elements.hpp>

#include <cstddef>
#include <functional>
#include <string>

namespace mhc::bench {

/// One operation at one size on one side: how many bytes it has to move, and how long it took.
struct result {
  std::string operation;
  double bytes;  ///< every input read once, every output written once
  double microseconds, spread;
};
using report = std::function<void(result const&)>;

struct device_facts {
  std::string name;
  int multiprocessors;
  std::size_t cache;  ///< bytes of L2
  std::string capability;
  int driver, runtime;  ///< CUDA versions: 1000·major + 10·minor
};
device_facts present_device();

/// Bytes read and written per second by a copy of 1 GB on the device.
struct copy_rates {
  double by_driver, by_kernel;  ///< cudaMemcpyAsync; a kernel that moves 16 bytes per thread
  double best() const { return by_driver > by_kernel ? by_driver : by_kernel; }
};
copy_rates copy_bandwidth();

/// All operations on so many tokens, or matrices: on the device, and under mhc::simd on all cores.
template <class S>
void time_tokens(std::ptrdiff_t tokens, std::ptrdiff_t channels, report const&);
void time_projections(std::ptrdiff_t matrices, report const&);
/// The ways to `pre` and `mix_pre` on the device, whichever is the one that is taken.
template <class S>
void time_ways(std::ptrdiff_t tokens, std::ptrdiff_t channels, report const&);
template <class S>
void time_tokens_on_host(std::ptrdiff_t tokens, std::ptrdiff_t channels, report const&);
void time_projections_on_host(std::ptrdiff_t matrices, report const&);

}  // namespace mhc::bench
