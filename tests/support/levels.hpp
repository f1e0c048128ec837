// SPDX-License-Identifier: MIT
#pragma once

// Policies that name a level; these tests are compiled for the baseline, whatever the others are.

#include "support/cases.hpp"
#include "support/catch.hpp"

#include <mhc/core/policy.hpp>
#include <mhc/ops/dispatch.hpp>
#include <mhc/ops/lanes.hpp>

namespace mhc::test {

#if defined(_OPENMP)
inline constexpr bool has_threads = true;
#else
inline constexpr bool has_threads = false;
#endif

template <class Level>
using level_policy = cpu::simd_policy<Level, has_threads>;

template <class Policy>
struct level_of;
template <class Level, bool Threads>
struct level_of<cpu::simd_policy<Level, Threads>> {
  using type = Level;
};

/// Whether the processor has what this policy runs on: true for what the program is compiled for.
template <class Policy>
bool can_run() {
  using level = typename level_of<Policy>::type;
  if constexpr (cpu::raised_level<level>)
    return level::is_supported();
  else
    return true;
}

/// The first line of a test: leaves it where the processor lacks the level of the policy.
#define MHC_SKIP_WITHOUT(...) \
  if (!mhc::test::can_run<__VA_ARGS__>()) MHC_SKIP("the processor lacks the level")

#if defined(MHC_LEVELS)
template <class T, int... Ns>
using on_levels =
    joined<over_n<level_policy<cpu::level::avx2>, T, Ns...>, over_n<level_policy<cpu::level::avx512>, T, Ns...>>;
#endif

}  // namespace mhc::test
