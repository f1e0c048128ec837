// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/elements.hpp>
#include <mhc/math/tile.hpp>
#include <mhc/ops/bundle.hpp>
#include <mhc/ops/lanes.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

/// @file
/// Streams in lines of two registers of 64 bytes. Elements of 16 bits, because that is a line of the cache: loaded and
/// rounded together they take half as many instructions, and a store past the cache has no half lines to put together.
/// More than 4 streams, because their coefficients lie in memory: loaded once they serve both registers.

MHC_BEGIN_LANES

namespace mhc::detail {

#if defined(MHC_LEVELS)
template <class S, int N, class V>
inline constexpr bool has_lines = sizeof(V) == 64 && (is_short_v<S> || N > 4);
#else
template <class S, int N, class V>
inline constexpr bool has_lines = false;
#endif

/// What a line of S is loaded to, one of N streams that meet, where a register is V.
template <class S, class V, int N = 1>
using line_of = std::conditional_t<has_lines<S, N, V>, bundle<V, 2>, V>;
template <class S, class Arch, int N = 1>
using line_lanes = line_of<S, lanes<coefficient_t<S>, Arch>, N>;

template <class V, class S>
inline constexpr bool is_short_line = registers_of<V>::count == 2 && is_short_v<S>;
template <class V>
inline constexpr bool is_line = registers_of<V>::count == 2;
/// The registers of a line.
template <class V>
using register_of = typename registers_of<V>::type;

/// Of the n elements of a line, those of register k.
template <class R>
constexpr std::ptrdiff_t registered(std::ptrdiff_t n, int k) {
  return std::clamp(n - k * width<R>, std::ptrdiff_t(0), width<R>);
}

/// The first n elements from p on; zero in the other lanes.
template <class V, class S>
MHC_ALWAYS_INLINE inline V load_line(S const* p, std::ptrdiff_t n) {
  if constexpr (is_line<V>) {
    using R = register_of<V>;
    V line;
    MHC_UNROLL for (int k = 0; k < 2; ++k) line.at[k] = load_line<R>(p + k * width<R>, registered<R>(n, k));
    return line;
  } else {
    V x = load_channels<V>(p, n);
    hold(x);
    return x;
  }
}

template <class V, class S>
MHC_ALWAYS_INLINE inline void store_line(V const& v, S* p, std::ptrdiff_t n) {
  if constexpr (is_line<V>) {
    using R = register_of<V>;
    MHC_UNROLL for (int k = 0; k < 2; ++k) store_channels(v.at[k], p + k * width<R>, registered<R>(n, k));
  } else {
    store_channels(v, p, n);
  }
}

template <class V, class S>
MHC_ALWAYS_INLINE inline void store_line_past_cache(V const& v, S* p) {
  if constexpr (is_line<V>)
    MHC_UNROLL for (int k = 0; k < 2; ++k) store_past_cache(v.at[k], p + k * width<register_of<V>>);
  else
    store_past_cache(v, p);
}

#if defined(MHC_LEVELS)

/// What loads and stores lines of 16-bit elements.
using line_instructions = instructions<float, cpu::level::avx512>;

/// A register as the instructions know it.
template <class V>
MHC_ALWAYS_INLINE inline line_instructions::type as_instructed(V const& v) {
  if constexpr (is_raised<V>)
    return {v.data.v};
  else
    return {v};
}

template <class V, class S>
  requires is_short_line<V, S>
MHC_ALWAYS_INLINE inline V load_line(S const* p, std::ptrdiff_t n) {
  S some[width<V>];
  if (n < width<V>) {
    std::fill_n(std::copy_n(p, n, some), width<V> - n, S(0.F));
    p = some;
  }
  line_instructions::type a, b;
  line_instructions::load_line(a, b, p);
  V line;
  if constexpr (is_raised<register_of<V>>) {
    line.at[0].data = a;
    line.at[1].data = b;
  } else {
    line.at[0] = register_of<V>(a.v);
    line.at[1] = register_of<V>(b.v);
  }
  return line;
}

template <class V, class S>
  requires is_short_line<V, S>
MHC_ALWAYS_INLINE inline void store_line(V const& v, S* p, std::ptrdiff_t n) {
  auto const a = as_instructed(v.at[0]), b = as_instructed(v.at[1]);
  if (n == width<V>) return line_instructions::store_line(a, b, p);
  S all[width<V>];
  line_instructions::store_line(a, b, all);
  std::copy_n(all, n, p);
}

template <class V, class S>
  requires is_short_line<V, S>
MHC_ALWAYS_INLINE inline void store_line_past_cache(V const& v, S* p) {
  line_instructions::store_line_past_cache(as_instructed(v.at[0]), as_instructed(v.at[1]), p);
}

#endif

/// Both registers' products into one sum.
template <class V>
MHC_ALWAYS_INLINE inline void add_product(bundle<V, 2> const& a, bundle<V, 2> const& b, V& total) {
  total = math::multiply_add(a.at[1], b.at[1], math::multiply_add(a.at[0], b.at[0], total));
}

}  // namespace mhc::detail

MHC_END_LANES
