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
inline constexpr bool is_short_line = registers_of<V>::count == 2 && is_short_v<std::remove_const_t<S>>;
template <class V>
inline constexpr bool is_line = registers_of<V>::count == 2;
/// The registers of a line.
template <class V>
using register_of = typename registers_of<V>::type;

#if defined(MHC_LEVELS)

/// A register as the instructions know it.
template <class V>
MHC_ALWAYS_INLINE inline auto as_instructed(V const& v) {
  typename instructions<float, cpu::level::avx512>::type r;
  if constexpr (is_raised<V>)
    r.v = v.data.v;
  else
    r.v = v;
  return r;
}

template <class V, class S>
MHC_ALWAYS_INLINE inline bundle<V, 2> whole_line(S const* p) {
  using on = instructions<float, cpu::level::avx512>;
  typename on::type a, b;
  on::load_line(a, b, p);
  bundle<V, 2> line;
  if constexpr (is_raised<V>) {
    line.at[0].data = a;
    line.at[1].data = b;
  } else {
    line.at[0] = V(a.v);
    line.at[1] = V(b.v);
  }
  return line;
}

#endif

/// Of the n elements of a line, those of register k.
template <class R>
constexpr std::ptrdiff_t registered(std::ptrdiff_t n, int k) {
  return std::clamp(n - k * width<R>, std::ptrdiff_t(0), width<R>);
}

/// The first n elements from p on; zero in the other lanes.
template <class V, class S>
MHC_ALWAYS_INLINE inline V load_line(S const* p, std::ptrdiff_t n) {
  if constexpr (is_short_line<V, S>) {
    if (n == width<V>) return whole_line<register_of<V>>(p);
    S some[width<V>] = {};
    std::copy_n(p, n, some);
    return whole_line<register_of<V>>(some);
  } else if constexpr (is_line<V>) {
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
  if constexpr (is_short_line<V, S>) {
    using on = instructions<float, cpu::level::avx512>;
    auto const a = as_instructed(v.at[0]), b = as_instructed(v.at[1]);
    if (n == width<V>) return on::store_line(a, b, p);
    S all[width<V>];
    on::store_line(a, b, all);
    std::copy_n(all, n, p);
  } else if constexpr (is_line<V>) {
    using R = register_of<V>;
    MHC_UNROLL for (int k = 0; k < 2; ++k) store_channels(v.at[k], p + k * width<R>, registered<R>(n, k));
  } else {
    store_channels(v, p, n);
  }
}

template <class V, class S>
MHC_ALWAYS_INLINE inline void store_line_past_cache(V const& v, S* p) {
  if constexpr (is_short_line<V, S>)
    instructions<float, cpu::level::avx512>::store_line_past_cache(as_instructed(v.at[0]), as_instructed(v.at[1]), p);
  else if constexpr (is_line<V>)
    MHC_UNROLL for (int k = 0; k < 2; ++k) store_past_cache(v.at[k], p + k * width<register_of<V>>);
  else
    store_past_cache(v, p);
}

/// Both registers' products into one sum.
template <class V>
MHC_ALWAYS_INLINE inline void add_product(bundle<V, 2> const& a, bundle<V, 2> const& b, V& total) {
  total = (total + a.at[0] * b.at[0]) + a.at[1] * b.at[1];
}

template <class V>
MHC_ALWAYS_INLINE inline math::scalar_of<V> sum_of_lanes(bundle<V, 2> const& line) {
  return sum_of_lanes(line.at[0] + line.at[1]);
}

}  // namespace mhc::detail

MHC_END_LANES
