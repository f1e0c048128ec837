// SPDX-License-Identifier: MIT
// limit/<what>/<threads>: read, copy (past the cache), memcpy, fma_float, fma_double. A unit is a byte that is read or
// written, or a floating-point operation.

#include "support/limits.hpp"

#include "support/threads.hpp"

#include <benchmark/benchmark.h>

#include <cstring>
#include <string>

namespace {

template <class Run>
void add(char const* what, int threads, double (*units)(int), Run run) {
  auto const name = "limit/" + std::string(what) + '/' + std::to_string(threads);
  benchmark::RegisterBenchmark(name.c_str(), [=](benchmark::State& state) {
    for (auto _ : state) {
      run(threads);
      benchmark::ClobberMemory();
    }
    state.counters["units"] = units(threads);
  })->MinTime(0.005);
}

double bytes_once(int) { return static_cast<double>(bench::buffers::shared().bytes); }
double bytes_twice(int threads) { return 2 * bytes_once(threads); }

void read(int threads) {
  auto const& b = bench::buffers::shared();
  bench::for_each_part(threads, b.bytes, [&](auto first, auto count) { bench::read_all(b.from.get() + first, count); });
}

void copy(int threads) {
  auto const& b = bench::buffers::shared();
  bench::for_each_part(threads, b.bytes, [&](auto first, auto count) {
    bench::copy_past_cache(b.from.get() + first, b.to.get() + first, count);
  });
}

void copy_by_libc(int threads) {
  auto const& b = bench::buffers::shared();
  bench::for_each_part(threads, b.bytes, [&](auto first, auto count) {
    std::memcpy(b.to.get() + first, b.from.get() + first, static_cast<std::size_t>(count));
  });
}

constexpr std::ptrdiff_t length = 1'000'000;

template <class T>
double operations(int threads) {
  return 2. * bench::chains * static_cast<double>(bench::lanes<T>::size) * length * threads;
}

template <class T>
void multiply_add(int threads) {
  mhc::cpu::simd_policy<xsimd::default_arch, true> const policy{threads};
  mhc::cpu::for_each(policy, threads, [](std::ptrdiff_t) { bench::multiply_add_chains<T>(length); });
}

[[maybe_unused]] bool const added = [] {
  for (int const threads : bench::thread_counts()) {
    add("read", threads, bytes_once, read);
    add("copy", threads, bytes_twice, copy);
    add("memcpy", threads, bytes_twice, copy_by_libc);
    add("fma_float", threads, operations<float>, multiply_add<float>);
    add("fma_double", threads, operations<double>, multiply_add<double>);
  }
  return true;
}();

}  // namespace
