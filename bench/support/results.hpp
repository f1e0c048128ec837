// SPDX-License-Identifier: MIT
#pragma once

#include "support/work.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

/// @file
/// What was measured, and the two numbers that count: the share of what the machine can do, and the ratio to Eigen.

namespace bench {

/// Seconds per token, matrix, byte or operation, one for each repetition.
using samples = std::vector<double>;

/// The least disturbed repetition; 0 if there is none.
inline double best(samples const& s) { return s.empty() ? 0 : *std::min_element(s.begin(), s.end()); }

/// What the machine gave between the repetitions of a case, on as many threads; empty where it is not needed.
struct limits {
  samples read, copy;  ///< per byte; a copied byte counts twice, read and written
  samples arithmetic;  ///< per floating-point operation
};

/// A case as its benchmarks describe it.
struct description {
  std::string operation, scalar;
  int n = 0;
  std::ptrdiff_t channels = 0;  ///< 0 for a projection
  std::ptrdiff_t items = 0;     ///< tokens or matrices of one run
  double element = 0;           ///< bytes
  work todo;
  double cache = 0;  ///< bytes that count as cache

  std::string name() const {
    return operation + '/' + scalar + "/n:" + std::to_string(n) +
           (channels > 0 ? "/C:" + std::to_string(channels) : std::string());
  }
  double bytes() const {
    double sum = 0;
    for (auto const& p : todo) sum += element * (p.read + p.written);
    return sum;
  }
  double operations() const {
    double sum = 0;
    for (auto const& p : todo) sum += p.operations;
    return sum;
  }
};

/// mhc::simd on some threads.
struct run {
  int threads = 1;
  samples ours;
  limits machine;
};

struct result {
  description what;
  samples naive;
  std::vector<run> runs;
};

/// Reading is the yardstick of a pass that writes at most half of what it reads, copying that of the others.
constexpr bool mostly_reads(pass const& p) { return 2 * p.written <= p.read; }

/// What binds most of the time that an item takes at least.
enum class bound { none, read, copy, arithmetic };

struct least_time {
  double seconds = 0;
  bound by = bound::none;
};

/// Σ over the passes of the longer of what their bytes and their operations take. Bytes take nothing where those of all
/// items fit into the cache.
inline least_time least(description const& what, limits const& machine) {
  double of[4] = {};
  for (auto const& p : what.todo) {
    bool const reads = mostly_reads(p);
    double const bytes = what.element * (p.read + p.written);
    bool const streaming = bytes * static_cast<double>(what.items) > what.cache;
    double const memory = streaming ? bytes * best(reads ? machine.read : machine.copy) : 0;
    double const arithmetic = p.operations * best(machine.arithmetic);
    auto const by = arithmetic > memory ? bound::arithmetic : reads ? bound::read : bound::copy;
    of[static_cast<int>(by)] += std::max(memory, arithmetic);
  }
  auto const* const most = std::max_element(of, of + 4);
  double const total = of[1] + of[2] + of[3];
  return {total, total > 0 ? static_cast<bound>(most - of) : bound::none};
}

/// Of the machine's limit, 1 at most but for noise; 0 if the limit is not known.
inline double share(description const& what, run const& r) {
  double const taken = best(r.ours);
  return taken > 0 ? least(what, r.machine).seconds / taken : 0;
}

/// How many times faster than naive Eigen on one thread; 0 if one of them was not measured.
inline double speedup(result const& r, run const& by) {
  double const taken = best(by.ours);
  return taken > 0 ? best(r.naive) / taken : 0;
}

}  // namespace bench
