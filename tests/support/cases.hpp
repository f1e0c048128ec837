// SPDX-License-Identifier: MIT
#pragma once

// The product policy x scalar x N that a typed test runs over.

#include <mhc/core/policy.hpp>
#include <mhc/ops/lanes.hpp>

#include <cstddef>
#include <tuple>
#include <utility>
#include <vector>

namespace mhc::test {

template <class P, class T, int Streams>
struct test_case {
  using policy = P;
  using value = T;
  static constexpr int n = Streams;
};

template <class P, class T, int... Ns>
using over_n = std::tuple<test_case<P, T, Ns>...>;

template <class... Lists>
using joined = decltype(std::tuple_cat(std::declval<Lists>()...));

template <class T, int... Ns>
using both_policies = joined<over_n<cpu::sequential_policy, T, Ns...>, over_n<simd_t, T, Ns...>>;

/// Every stream count, both policies, both scalars.
using all_cases = joined<both_policies<double, 1, 2, 3, 4, 5, 6, 7, 8>, both_policies<float, 1, 2, 3, 4, 5, 6, 7, 8>>;
/// A choice of them, and long double where it exists, for tests that are expensive to compile or to run.
using some_cases = joined<both_policies<double, 1, 2, 4, 8>, both_policies<float, 3, 4>,
                          over_n<cpu::sequential_policy, long double, 4>>;
using double_cases = both_policies<double, 2, 3, 4, 8>;
using few_cases = joined<both_policies<double, 3>, both_policies<float, 4>>;
using simd_cases = joined<over_n<simd_t, double, 1, 4>, over_n<simd_t, float, 3, 4>>;

/// Elements of T per vector register; where the level is chosen at run time, of the widest.
#if defined(MHC_DISPATCHES)
template <class T>
inline constexpr std::ptrdiff_t lane_count = 64 / static_cast<std::ptrdiff_t>(sizeof(T));
#else
template <class T>
inline constexpr std::ptrdiff_t lane_count = detail::width<detail::lanes<T, xsimd::default_arch>>;
#endif

/// Batches around the number of lanes: none, one, one less, just as many, one more, a few groups and one.
template <class T>
std::vector<std::ptrdiff_t> batches() {
  constexpr std::ptrdiff_t w = lane_count<T>;
  return {0, 1, w - 1, w, w + 1, 3 * w + 1};
}

/// Channels around a register, a sum of lanes and a piece of work.
inline std::vector<std::ptrdiff_t> channel_counts() { return {1, 3, 7, 8, 9, 16, 17, 37, 129, 1025}; }

}  // namespace mhc::test
