// SPDX-License-Identifier: MIT
#pragma once

#include "support/memory.hpp"
#include "support/results.hpp"
#include "support/threads.hpp"

#include <mhc/mhc.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <initializer_list>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

/// @file
/// What a case is, and how it becomes benchmarks, <case>/<scalar>/n:<N>[/C:<C>]/{naive,simd,simd:<threads>}: the same
/// work on the same memory by Eigen, and by mhc::simd on one thread and on all. Before mhc is timed, its result is
/// compared with Eigen's.
///
/// A case is a template <class T, int N>, of a name that no other file has (g++ merges instantiations for a template
/// argument of the same name, even if both are in unnamed namespaces), with
///   name, matrix_case          its name, whether it has no channels
///   Case(memory&, channels)    takes its tensors
///   items()                    tokens or matrices of one run
///   todo(sizes)                what has to be done per item, by the formulas in work.hpp
///   run(policy, count)         the operation on the first `count` items
///   run_naive(count)           the same by Eigen
///   results(count)             the tensors that both write
///   prepare(count)             optional: what has to be restored before a comparison

namespace bench {

/// A tensor that an operation writes, or adds to.
template <class T>
struct output {
  T* data;
  std::ptrdiff_t size;
  bool added_to = false;
};

template <class T>
inline constexpr char const* scalar_name = "";
template <>
inline constexpr char const* scalar_name<float> = "float";
template <>
inline constexpr char const* scalar_name<double> = "double";
template <>
inline constexpr char const* scalar_name<mhc::bfloat16> = "bfloat16";

/// Largest difference from the naive version that passes, in units of the largest entry of the tensor: the rounding of
/// the longest sums here, over 32768 elements, with room for another order of summation.
template <class T>
inline constexpr double agreement = 2e3 * static_cast<double>(std::numeric_limits<T>::epsilon());
template <>
inline constexpr double agreement<mhc::bfloat16> = 0x1p-7;  // sums are float's, so one of them may be rounded up

/// Some case has not passed its comparison.
inline bool& failed() {
  static bool flag = false;
  return flag;
}

/// Items that are compared: two full blocks of tokens of the simd backend and a few.
inline constexpr std::ptrdiff_t compared_items = 131;

template <class Case>
std::ptrdiff_t compared(Case const& c) {
  return std::min(compared_items, c.items());
}

/// Every result after `run`, one after another. Overwritten ones start from NaN, so that a hole shows.
template <class T, class Case, class Run>
std::vector<std::vector<T>> results_of(Case const& c, Run&& run) {
  for (auto const& r : c.results(compared(c)))
    std::fill_n(r.data, r.size, T(r.added_to ? 0 : std::numeric_limits<mhc::coefficient_t<T>>::quiet_NaN()));
  if constexpr (requires { c.prepare(compared(c)); }) c.prepare(compared(c));
  run();
  std::vector<std::vector<T>> copies;
  for (auto const& r : c.results(compared(c))) copies.emplace_back(r.data, r.data + r.size);
  return copies;
}

/// The largest difference, in units of the largest entry of each tensor.
template <class T>
double difference(std::vector<std::vector<T>> const& a, std::vector<std::vector<T>> const& b) {
  double worst = 0;
  for (std::size_t r = 0; r < a.size(); ++r) {
    double scale = 0, distance = 0;
    for (std::size_t i = 0; i < a[r].size(); ++i) {
      double const d = std::abs(static_cast<double>(a[r][i]) - static_cast<double>(b[r][i]));
      if (d > distance || std::isnan(d)) distance = d;  // unlike std::max, keeps a NaN
      scale = std::max(scale, std::abs(static_cast<double>(b[r][i])));
    }
    double const relative = distance / std::max(scale, std::numeric_limits<double>::min());
    if (relative > worst || std::isnan(relative)) worst = relative;
  }
  return worst;
}

template <class T, class Case, class Policy>
bool agrees(std::string const& name, Case const& c, Policy const& policy) {
  auto const expected = results_of<T>(c, [&] { c.run_naive(compared(c)); });
  auto const actual = results_of<T>(c, [&] { c.run(policy, compared(c)); });
  double const distance = difference(actual, expected);
  if (distance <= agreement<T>) return true;
  std::fprintf(stderr, "%s: differs from naive Eigen by %.2g of the largest entry, expected at most %.2g\n",
               name.c_str(), distance, agreement<T>);
  failed() = true;
  return false;
}

/// The case, made when it first runs and as long as no other case has the memory.
template <class Case>
Case const& made(std::string const& name, std::ptrdiff_t channels) {
  static std::optional<Case> the_case;
  if (memory::shared().claim(name) || !the_case) {
    the_case.reset();
    the_case.emplace(memory::shared(), channels);
  }
  return *the_case;
}

/// All cases, in the order of the files.
inline std::vector<description>& registered() {
  static std::vector<description> the_cases;
  return the_cases;
}

template <class Case, class Run>
void time(benchmark::State& state, Case const& c, Run&& run) {
  for (auto _ : state) {
    run();
    benchmark::ClobberMemory();
  }
  state.counters["units"] = static_cast<double>(c.items());
}

template <class Case>
void add_threads(std::string const& name, std::ptrdiff_t channels, int threads) {
  auto const full = name + "/simd" + (threads == 1 ? std::string() : ':' + std::to_string(threads));
  benchmark::RegisterBenchmark(full.c_str(), [=, passed = false](benchmark::State& state) mutable {
    auto const policy = mhc::simd.with_threads(threads);
    auto const& c = made<Case>(name, channels);
    passed = passed || agrees<typename Case::scalar>(full, c, policy);
    if (!passed) return state.SkipWithError("differs from naive Eigen");
    time(state, c, [&] { c.run(policy, c.items()); });
  });
}

/// Whether cases of this order are built.
template <class T, int N>
inline constexpr bool is_built = MHC_BENCH_ALL || (N == 4 && sizeof(T) < sizeof(double));

template <template <class, int> class Case, class T, int N>
  requires(!is_built<T, N>)
void add(std::ptrdiff_t) {}
template <template <class, int> class Case, class T, int N>
  requires(is_built<T, N>)
void add(std::ptrdiff_t channels) {
  using C = Case<T, N>;
  auto const todo = C::todo({.n = N, .C = static_cast<double>(channels)});
  registered().push_back(
      {C::name, scalar_name<T>, N, channels, 0, sizeof(T), todo, static_cast<double>(counted_cache())});
  auto const name = registered().back().name();
  benchmark::RegisterBenchmark((name + "/naive").c_str(), [=](benchmark::State& state) {
    auto const& c = made<C>(name, channels);
    time(state, c, [&] { c.run_naive(c.items()); });
  });
  for (int const threads : thread_counts()) add_threads<C>(name, channels, threads);
}

template <template <class, int> class Case, class T, int N>
void add_widths(std::initializer_list<std::ptrdiff_t> widths) {
  for (auto const channels : widths) add<Case, T, N>(channels);
}

/// Operations on tokens: 4 streams from narrow to the widths of published models, other numbers and double at some.
template <template <class, int> class... Case>
bool add_token_cases() {
  (..., (add_widths<Case, float, 2>({1280, 4096}), add_widths<Case, float, 4>({64, 256, 1280, 4096, 7168}),
         add_widths<Case, float, 8>({1280, 4096}), add_widths<Case, double, 4>({1280})));
  return true;
}

/// Streams of 16 bits.
template <template <class, int> class... Case>
bool add_short_cases() {
  (..., add_widths<Case, mhc::bfloat16, 4>({1280, 4096, 7168}));
  return true;
}

template <template <class, int> class... Case>
bool add_matrix_cases() {
  (..., (add<Case, float, 2>(0), add<Case, float, 4>(0), add<Case, float, 8>(0), add<Case, double, 2>(0),
         add<Case, double, 4>(0), add<Case, double, 8>(0)));
  return true;
}

/// Of many matrices.
template <template <class, int> class... Case>
bool add_many_cases() {
  (..., (add<Case, float, 4>(0), add<Case, float, 8>(0)));
  return true;
}

/// Tokens for which x does not fit into the last-level cache.
template <class T, int N>
std::ptrdiff_t streaming_tokens(std::ptrdiff_t channels) {
  return stream_bytes() / (static_cast<std::ptrdiff_t>(sizeof(T)) * N * channels);
}

/// Tokens of an operation with `scores` products over a token's N·C elements: as many as give `products`
/// multiplications and no more than stream_bytes() allow, in whole blocks of 64, which threads can share; one at least.
template <class T, int N>
std::ptrdiff_t scored_tokens(std::ptrdiff_t channels, int scores, std::ptrdiff_t products = 100'000'000) {
  constexpr std::ptrdiff_t block = 64;
  std::ptrdiff_t const tokens = std::min(streaming_tokens<T, N>(channels), products / (scores * N * channels));
  return std::max(block, tokens / block * block);
}

}  // namespace bench
