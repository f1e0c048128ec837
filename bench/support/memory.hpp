// SPDX-License-Identifier: MIT
#pragma once

#include "support/pages.hpp"

#include <mhc/core/elements.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <new>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

namespace bench {

/// Bytes of the last-level cache; 32 MiB where the machine does not say.
inline std::ptrdiff_t last_level_cache() {
  std::ptrdiff_t largest = 0;
  for (auto const& cache : benchmark::CPUInfo::Get().caches)
    largest = std::max(largest, static_cast<std::ptrdiff_t>(cache.size));
  return largest > 0 ? largest : std::ptrdiff_t(32) << 20;
}

/// Bytes of one tensor x of residual streams where memory is to be measured: twice the last-level cache, but never so
/// much that a case needs more than 1 GB.
inline std::ptrdiff_t stream_bytes() {
  return std::clamp<std::ptrdiff_t>(2 * last_level_cache(), std::ptrdiff_t(64) << 20, std::ptrdiff_t(160) << 20);
}

/// What counts as cache: the last level, but half as much as the tensors by which memory is measured where they would fit
/// into it, as they do into one that dozens of cores share.
inline std::ptrdiff_t counted_cache() { return std::min(last_level_cache(), stream_bytes() / 2); }

/// The memory of the case that runs, the same pages for every case: a fresh allocation would be timed with its page
/// faults, and would cost more than the measurement.
class memory {
 public:
  static memory& shared() {
    static memory the_memory;
    return the_memory;
  }

  /// True if somebody else had the memory, whose contents are then lost.
  bool claim(std::string const& owner) {
    if (owner == owner_) return false;
    owner_ = owner;
    used_ = 0;
    return true;
  }

  /// `count` elements that a case overwrites.
  template <class T>
  T* output(std::ptrdiff_t count) {
    auto const bytes = (static_cast<std::size_t>(count) * sizeof(T) + 4095) / 4096 * 4096 + apart;
    if (used_ + bytes > capacity) throw std::bad_alloc();
    auto* const at = reinterpret_cast<T*>(base_.get() + used_);
    used_ += bytes;
    return at;
  }

  /// `count` numbers from N(0, 1), the same in every run; they repeat after a prime number of elements.
  template <class T>
  T* gaussian(std::ptrdiff_t count) {
    T* const at = output<T>(count);
    auto const& numbers = sample<T>();
    auto const period = static_cast<std::ptrdiff_t>(numbers.size());
    for (std::ptrdiff_t i = 0; i < count; i += period)
      std::copy_n(numbers.begin(), std::min(period, count - i), at + i);
    return at;
  }

 private:
  /// Tensors are so far off a page's multiple from each other, as they would not be aligned alike. Not one or two lines:
  /// a store to an address holds up loads from the same address modulo 4096 in another tensor, and a loop that reads one
  /// line ahead of what it writes would wait for itself at every step.
  static constexpr std::size_t apart = 320;
  static constexpr std::size_t capacity = std::size_t(1) << 30;  // reserved; pages come with the first touch

  template <class T>
  static std::vector<T> const& sample() {
    static auto const numbers = [] {
      std::mt19937_64 engine(20);
      std::normal_distribution<double> normal;
      std::vector<T> v(1000003);
      for (auto& x : v) x = T(static_cast<mhc::coefficient_t<T>>(normal(engine)));
      return v;
    }();
    return numbers;
  }

  block_of_pages base_ = untouched_pages(capacity);
  std::size_t used_ = 0;
  std::string owner_;
};

}  // namespace bench
