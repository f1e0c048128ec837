// SPDX-License-Identifier: MIT
#pragma once

// Policies that name a level; these tests are compiled for the baseline, whatever the others are.

#include "support/cases.hpp"
#include "support/catch.hpp"

#include <mhc/core/policy.hpp>
#include <mhc/ops/dispatch.hpp>
#include <mhc/ops/lanes.hpp>

#include <string>
#include <tuple>

namespace mhc::test {

#if defined(_OPENMP)
inline constexpr bool has_threads = true;
#else
inline constexpr bool has_threads = false;
#endif

#if defined(MHC_LEVELS)

template <class Level>
using level_policy = cpu::simd_policy<Level, has_threads>;

template <class Policy>
struct level_of;
template <class Level, bool Threads>
struct level_of<cpu::simd_policy<Level, Threads>> {
  using type = Level;
};

/// f<level>(…) of every level.
template <template <class> class F>
using of_levels = std::tuple<F<cpu::level::avx2>, F<cpu::level::avx512>>;

template <class T, int... Ns>
using on_levels =
    joined<over_n<level_policy<cpu::level::avx2>, T, Ns...>, over_n<level_policy<cpu::level::avx512>, T, Ns...>>;

/// The first line of a test: leaves it where the processor lacks the level.
#  define MHC_SKIP_WITHOUT(...)                                  \
    if (!mhc::test::level_of<__VA_ARGS__>::type::is_supported()) \
    MHC_SKIP(std::string("no ") + mhc::test::level_of<__VA_ARGS__>::type::name)

#endif

}  // namespace mhc::test
