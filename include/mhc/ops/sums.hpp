// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/ops/bundle.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/shuffles.hpp>

#include <algorithm>
#include <type_traits>
#include <utility>

/// @file
/// Sums over the lanes of many registers at once.

MHC_BEGIN_LANES

namespace mhc::detail {

#if defined(MHC_SHUFFLE_VECTOR)

/// a and b hold partial sums, each number's in 2 Half neighbouring lanes: the numbers of a, then of b, in half as many.
template <int Half, class V, int... W>
MHC_ALWAYS_INLINE inline V fold(V const& a, V const& b, std::integer_sequence<int, W...> all) {
  V r;
  if constexpr (is_raised<V>)
    V::on::template fold<Half>(r.data, a.data, b.data, all);
  else
    r = __builtin_shufflevector(a, b, (W / Half * 2 * Half + W % Half)...) +
        __builtin_shufflevector(a, b, (W / Half * 2 * Half + W % Half + Half)...);
  return r;
}

/// The M numbers of r, each in Group lanes of it, in one register; the last ones again where M is no power of two.
template <int Group, int M, class V, class All>
MHC_ALWAYS_INLINE inline V fold_all(V const (&r)[M], All all) {
  if constexpr (Group == 1) {
    return r[0];
  } else {
    V next[(M + 1) / 2];
    MHC_UNROLL for (int m = 0; m < M; m += 2) next[m / 2] = fold<Group / 2>(r[m], r[m + 1 < M ? m + 1 : m], all);
    return fold_all<Group / 2>(next, all);
  }
}

#endif

/// Lanes that have the same sum in one register.
template <class V>
MHC_ALWAYS_INLINE inline V const& in_one_register(V const& v) {
  return v;
}
template <class V>
MHC_ALWAYS_INLINE inline V in_one_register(bundle<V, 2> const& line) {
  return line.at[0] + line.at[1];
}

/// sums[m] = Σ over the lanes of v[m], of a vec or tile of registers or lines.
template <class Registers, class T>
MHC_ALWAYS_INLINE inline void sums_of_lanes(Registers const& v, T* sums) {
  constexpr int M = Registers::count;
#if defined(MHC_SHUFFLE_VECTOR)
  using V = std::decay_t<decltype(in_one_register(v[0]))>;
  constexpr int W = static_cast<int>(V::size), all = (M + W - 1) / W;
  alignas(64) T some[all * W];
  auto const take = [&]<int First, int... K>(std::integral_constant<int, First>, std::integer_sequence<int, K...>)
                        MHC_ALWAYS_INLINE {
                          raw_of<V> const r[] = {to_raw(in_one_register(v[First + K]))...};
                          from_raw<V>(fold_all<W>(r, std::make_integer_sequence<int, W>{})).store_aligned(some + First);
                        };
  [&]<int... Q>(std::integer_sequence<int, Q...>) MHC_ALWAYS_INLINE {
    (take(std::integral_constant<int, Q * W>{}, std::make_integer_sequence<int, (M - Q * W < W ? M - Q * W : W)>{}),
     ...);
  }(std::make_integer_sequence<int, all>{});
  std::copy_n(some, M, sums);
#else
  MHC_UNROLL for (int m = 0; m < M; ++m) sums[m] = sum_of_lanes(in_one_register(v[m]));
#endif
}

}  // namespace mhc::detail

MHC_END_LANES
