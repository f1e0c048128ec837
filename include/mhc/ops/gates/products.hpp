// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/ops/gates/factors.hpp>
#include <mhc/ops/lanes.hpp>

#include <cstddef>
#include <utility>

/// @file
/// The thin products of the gates with φ, tiled in registers: all three are sums over p of a_i(p) b_j(p), where a_i(p) is
/// the same in all lanes. For the scores a is x and the lanes of b are columns of φᵀ, for the gradients of x and φ they are
/// neighbouring channels.

MHC_BEGIN_LANES

namespace mhc::detail {

/// Tiles that fill the registers there are, 32 of 64 bytes or 16: the sums, one operand, and one register of the other.
template <class V>
inline constexpr int product_rows = sizeof(V) >= 64 ? 8 : 4;
inline constexpr int product_registers = 3;

/// sum[i][j] += left(i) right(j). Of 16 registers sums and rows that ride along want all, and right(j) is read anew.
template <class V, int R, int C, class Left, class Right>
MHC_ALWAYS_INLINE inline void add_outer_product(Left const& left, Right const& right, V (&sum)[R][C]) {
  // As arguments, not as an array, which g++ would store on the way.
  auto const rows = [&](auto... b) MHC_ALWAYS_INLINE {
    if constexpr (sizeof(V) >= 64) (hold(b), ...);
    MHC_UNROLL for (int i = 0; i < R; ++i) {
      auto a = left(i);
      hold(a);
      int j = 0;
      ((sum[i][j] = multiply_add(a, b, sum[i][j]), ++j), ...);
    }
  };
  [&]<int... J>(std::integer_sequence<int, J...>)
      MHC_ALWAYS_INLINE { rows(right(J)...); }(std::make_integer_sequence<int, C>{});
}

/// sum[i][j] += Σ_p weight[p Stride + i] in[p][j], of `terms` terms. Between them, or behind if they are few, aside(m, j) for
/// registers j < C of rows m < product_rows, each once: what waits for memory, and would keep the products waiting if it were
/// done all at once.
template <std::ptrdiff_t Stride, class V, int R, int C, class T, class Aside>
MHC_ALWAYS_INLINE inline void add_weighted(T const* weight, T const (*in)[C][V::size], std::ptrdiff_t terms,
                                           V (&sum)[R][C], Aside const& aside) {
  constexpr int rows = product_rows<V>;
  std::ptrdiff_t p = 0;
  for (int m = 0; m < rows; ++m) {
    int j = 0;
    for (; p < (m + 1) * terms / rows; ++p, weight += Stride, ++in) {
      if (j < C) aside(m, j++);
      add_outer_product([&](int i) MHC_ALWAYS_INLINE { return V(weight[i]); },
                        [&](int k) MHC_ALWAYS_INLINE { return V::load_aligned((*in)[k]); }, sum);
    }
    while (j < C) aside(m, j++);
  }
}

}  // namespace mhc::detail

MHC_END_LANES
