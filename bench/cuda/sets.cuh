// SPDX-License-Identifier: MIT
#pragma once

#include "cases.hpp"
#include "timing.cuh"

#include <utility>
#include <vector>

namespace mhc::bench {

/// As many sets of arrays of these sizes as together exceed twice the L2 cache.
class rotating {
 public:
  explicit rotating(std::vector<std::ptrdiff_t> const& sizes) {
    std::size_t one = 0;
    for (auto const size : sizes) one += static_cast<std::size_t>(size) * sizeof(float);
    std::size_t const wanted = 2 * present_device().cache / one + 1;
    unsigned seed = 0;
    for (std::size_t k = 0; k < wanted && k < 64; ++k) {
      sets_.emplace_back();
      for (auto const size : sizes) sets_.back().emplace_back(size, ++seed);
    }
  }
  std::size_t count() const { return sets_.size(); }
  float* operator()(std::size_t set, std::size_t which) const { return sets_[set][which].data(); }

 private:
  std::vector<std::vector<array>> sets_;
};

/// Times run(stream, at), where at(k) is array k of a set, and reports it.
template <class Run>
void report_time(report const& say, char const* operation, std::ptrdiff_t size, std::ptrdiff_t channels,
                 std::ptrdiff_t elements_moved, rotating const& sets, Run const& run) {
  auto const t = time(sets.count(), [&](cudaStream_t stream, std::size_t k) {
    run(stream, [&](std::size_t which) { return sets(k, which); });
  });
  say({operation, size, channels, static_cast<double>(elements_moved) * sizeof(float), t.microseconds, t.spread});
}

}  // namespace mhc::bench
