// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/shuffles.hpp>

#include <cstddef>
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

/// Numbers that `add_sums` writes for M registers: some more than M.
template <class V, int M>
inline constexpr int sums_length =
    (M + static_cast<int>(V::size) - 1) / static_cast<int>(V::size) * static_cast<int>(V::size);

/// sums[m] += Σ over the lanes of v[m].
template <class V, int M>
MHC_ALWAYS_INLINE inline void add_sums(V const (&v)[M], math::scalar_of<V>* sums) {
#if defined(MHC_SHUFFLE_VECTOR)
  constexpr int W = static_cast<int>(V::size);
  auto const some = [&]<int First, int... K>(std::integral_constant<int, First>, std::integer_sequence<int, K...>)
                        MHC_ALWAYS_INLINE {
                          raw_of<V> const r[] = {to_raw(v[First + K])...};
                          V const sum = from_raw<V>(fold_all<W>(r, std::make_integer_sequence<int, W>{}));
                          (V::load_unaligned(sums + First) + sum).store_unaligned(sums + First);
                        };
  [&]<int... Q>(std::integer_sequence<int, Q...>) MHC_ALWAYS_INLINE {
    (some(std::integral_constant<int, Q * W>{}, std::make_integer_sequence<int, (M - Q * W < W ? M - Q * W : W)>{}),
     ...);
  }(std::make_integer_sequence<int, sums_length<V, M> / W>{});
#else
  for (int m = 0; m < M; ++m) sums[m] += sum_of_lanes(v[m]);
#endif
}

}  // namespace mhc::detail

MHC_END_LANES
