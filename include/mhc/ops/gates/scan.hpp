// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/ops/gates/factors.hpp>
#include <mhc/ops/gates/products.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/parameters.hpp>
#include <mhc/ops/rows.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

/// @file
/// The one pass over x: products of its rows with all φ_k, and their squares.

MHC_BEGIN_LANES

namespace mhc::detail {

/// Elements after which running sums are put aside, so that rounding does not grow with the length of a row: 768 bytes, of
/// which a first-level cache of 32 KiB holds 24 for φ and twice as many as a tile of the product has rows.
template <class T>
inline constexpr std::ptrdiff_t sum_block = 768 / static_cast<std::ptrdiff_t>(sizeof(T));

/// How sums of K products share registers V: each has one lane or two neighbours, which sum every second unit of a row. Two
/// where that takes less than twice the registers, or no more than a tile of the product has: more sums for a load of x.
template <class V, int K>
struct sums_in_lanes {
  static constexpr int W = static_cast<int>(V::size);
  static constexpr int registers_for(int each) { return (K * each + W - 1) / W; }
  static constexpr bool takes_two = sizeof(math::scalar_of<V>) == 4 &&
                                    (registers_for(2) < 2 * registers_for(1) || registers_for(2) <= product_registers);
  static constexpr int lanes = takes_two ? 2 : 1;
  static constexpr int registers = registers_for(lanes);
  static constexpr int tiles = (registers + product_registers - 1) / product_registers;
  static constexpr int tile = (registers + tiles - 1) / tiles;  ///< the last may have fewer
};

/// Nothing is done beside a scan.
struct nothing_beside {
  void ask(std::ptrdiff_t, std::ptrdiff_t) const {}
  void run(std::ptrdiff_t) const {}
};

/// Memory that will be written once a scan is over; none without data.
struct wanted_memory {
  void const* data = nullptr;
  std::ptrdiff_t bytes = 0;
};

/// A block of columns of φ, transposed, stays in the first-level cache while all rows pass. While a few rows are multiplied,
/// the next are copied and squared between the multiplications, and those after them asked for. Rows are copied because they
/// can lie a power of two apart: they would share a few lines of cache.
template <class V, int K, std::ptrdiff_t Rows, class X, class F, class D = factors_of<V, X, F>>
class score_scan {
  using T = math::scalar_of<V>;
  using E = typename factor_element<D>::type;
  using layout = sums_in_lanes<V, K>;
  static constexpr int R = layout::tile == 1 ? 8 : product_rows<V>;  // sums enough not to wait for one another
  using units = units_of<V, layout::lanes>;
  static constexpr std::ptrdiff_t L = sum_block<E>, groups = (Rows + R - 1) / R;
  static constexpr int registers = layout::registers, U = static_cast<int>(units::size);
  static constexpr std::ptrdiff_t unit = width<D> / U;  ///< elements of x
  /// All φ_k at one unit of x, of the size of these registers.
  struct packed_unit {
    alignas(sizeof(V)) math::scalar_of<units> at[registers][U];
  };
  static_assert(sizeof(packed_unit) == registers * sizeof(V));
  /// A tile for few rows: fewer would take as long, because each sum waits for the one before.
  static constexpr int few = 2;
  /// With so few products for each element the scan is memory's: what is asked for into the first level while the rows before
  /// are multiplied would still be late, so it has been asked for into the second.
  static constexpr bool asks_early = registers == 1;

 public:
  static constexpr std::ptrdiff_t block = L;  ///< columns that are summed by themselves
  /// Numbers that a row's sums are: of its products with all φ_k, and of its square, lane by lane.
  static constexpr std::ptrdiff_t sums = (registers + 1) * width<V>;

  /// Rows first_row, first_row + length, …, `rows` of them, at most Rows; of these, columns begin … end − 1. Block after
  /// block is added to sums that begin at zero. What leaves memory idle has room for something else: after each tile
  /// beside.run(elements) is called, of x that were multiplied, and in a tile beside.ask(e, n) for elements e … e + n − 1.
  /// And `wanted` is asked for meanwhile, as far as what asks for the next columns of φ has nothing else to do.
  template <class Beside>
  score_scan(F const* phi, X const* first_row, std::ptrdiff_t length, std::ptrdiff_t rows, std::ptrdiff_t begin,
             std::ptrdiff_t end, wanted_memory wanted, Beside& beside)
      : phi_(phi),
        x_(first_row),
        wanted_(static_cast<F const*>(wanted.data)),
        wanted_rows_(wanted.bytes / static_cast<std::ptrdiff_t>(sizeof(F)) / length),
        length_(length),
        rows_(rows),
        end_(end) {
    std::ptrdiff_t const all = (rows + R - 1) / R * R;
    std::fill_n(&total_[0][0], all * registers, V(T(0)));
    std::fill_n(square_, all, V(T(0)));
    place here{begin, 0};
    for (int r = 0; r < rows_of(here); ++r) copy_row(here, r, copy_[0]);
    for (bool odd = false; here.column < end; odd = !odd) {
      place const next = after(here);
      bool const ride = next.column < end && columns(next) == columns(here);
      if (here.row == 0) pack(here.column);
      also_ = also_to_come(here);
      if (rows_of(here) == few)
        multiply<few>(here, ride, copy_[odd], copy_[!odd], beside);
      else
        multiply<R>(here, ride, copy_[odd], copy_[!odd], beside);
      for (int r = ride ? R : 0; r < rows_of(next) && next.column < end; ++r) copy_row(next, r, copy_[!odd]);
      beside.run(rows_of(here) * columns(here));
      here = next;
    }
  }

  /// The sums of row q.
  void store_sums(std::ptrdiff_t q, T* to) const {
    MHC_UNROLL for (int j = 0; j < registers; ++j) total_[q][j].store_aligned(to + j * width<V>);
    square_[q].store_aligned(to + registers * width<V>);
  }
  /// From sums of all of a row, its products with all φ_k, and its square.
  static math::vec<T, K> products(T const* lanes) {
    math::vec<T, K> of;
    for (int k = 0; k < K; ++k) of[k] = layout::takes_two ? lanes[2 * k] + lanes[2 * k + 1] : lanes[k];
    return of;
  }
  static T square(T const* lanes) { return sum_of_lanes(V::load_aligned(lanes + registers * width<V>)); }

 private:
  using rows_of_copy = E (&)[R][L];

  /// R rows, from column on.
  struct place {
    std::ptrdiff_t column = 0, row = 0;
  };
  place after(place p) const { return p.row + R < rows_ ? place{p.column, p.row + R} : place{p.column + L, 0}; }
  std::ptrdiff_t columns(place p) const { return std::min(L, end_ - p.column); }
  /// How many are multiplied.
  int rows_of(place p) const { return rows_ - p.row <= few ? few : R; }
  /// A row beyond the last repeats it, and is not kept.
  X const* row(place p, int r) const { return x_ + std::min(p.row + r, rows_ - 1) * length_ + p.column; }

  /// The same, of a place that there may not be.
  X const* row_to_come(place p, int r) const { return p.column < length_ ? row(p, r) : x_; }

  /// A row on its way into the copy, and what is asked for meanwhile.
  struct rider {
    X const* from;  ///< null: no row
    E* to;
    X const* x_ahead;
    X const* x_early;
    F const* also_ahead;

    MHC_ALWAYS_INLINE void operator()(std::ptrdiff_t c, auto lanes, V& sum) const {
      prefetch(x_ahead, c);
      if constexpr (asks_early) prefetch<2>(x_early, c);
      prefetch<2>(also_ahead, c);
      if (from == nullptr) return;
      D x = load_factors<D>(from + c, lanes);
      hold(x);
      store_factors(x, to + c);
      sum = multiply_add(x, x, sum);
    }
  };
  /// Row r of the place after `here`, and row r of the one after that.
  rider row_after(place here, int r, bool rides, rows_of_copy to) const {
    place const next = after(here), later = after(next);
    return {rides && r < rows_of(next) ? row(next, r) : nullptr, to[r], row_to_come(later, r),
            asks_early ? row_to_come(after(after(later)), r) : x_,
            also_.first + std::min<std::ptrdiff_t>(r, also_.last) * also_.step};
  }
  /// What is asked for beside x in a tile: rows of φ of the next columns, as long as there are, and then of what is wanted.
  struct rows_to_come {
    F const* first;
    std::ptrdiff_t last, step;
  };
  rows_to_come also_to_come(place here) const {
    if (here.row < K && here.column + L < length_)
      return {phi_ + here.row * length_ + here.column + L, K - 1 - here.row, length_};
    std::ptrdiff_t const row = here.row - (K + R - 1) / R * R, length = columns(here);
    if (row < 0 || row >= wanted_rows_) return {phi_, 0, 0};
    return {wanted_ + here.column * wanted_rows_ + row * length, wanted_rows_ - 1 - row, length};
  }

  void copy_row(place p, int r, rows_of_copy to) {
    rider const one{row(p, r), to[r], row_to_come(after(p), r), x_, phi_};
    V sum(T(0));
    for_channels<D>(columns(p), [&](std::ptrdiff_t c, auto lanes) MHC_ALWAYS_INLINE { one(c, lanes, sum); });
    square_[p.row + r] = square_[p.row + r] + sum;
  }

  /// Columns of φ from `column` on: unit by unit, all φ_k side by side; zero beyond the last of either.
  void pack(std::ptrdiff_t column) {
    packed_unit* to = packed_;
    for_channels<D>(std::min(L, end_ - column), [&](std::ptrdiff_t c, auto lanes) MHC_ALWAYS_INLINE {
      F const* const from = phi_ + column + c;
      store_lanes<units, registers * U>(
          [&](int k) MHC_ALWAYS_INLINE {
            return k < K ? same_bits<units>(load_factors<D>(from + k * length_, lanes)) : units(0);
          },
          to->at[0]);
      to += U;
    });
  }

  /// M rows at `here`, which are in `at`, times φ; rows of the place after ride into `to`.
  template <int M, class Beside>
  void multiply(place here, bool ride, rows_of_copy at, rows_of_copy to, Beside const& beside) {
    constexpr int C = layout::tile, rest = registers % C == 0 ? C : registers % C;
    for (int t = 0; t + 1 < layout::tiles; ++t)
      multiply_tile<M, C>(here, ride && t == 0, at, to, t * C, nothing_beside{});
    multiply_tile<M, rest>(here, ride && layout::tiles == 1, at, to, (layout::tiles - 1) * C, beside);
  }

  template <int M, int C, class Beside>
  void multiply_tile(place here, bool rides, rows_of_copy at, rows_of_copy to, int first, Beside const& beside) {
    constexpr int together = std::max(1, R / U), steps = std::max(1, U / R);
    V sum[M][C];
    MHC_UNROLL for (int i = 0; i < M; ++i) MHC_UNROLL for (int j = 0; j < C; ++j) sum[i][j] = V(T(0));
    E const* x = at[0];
    packed_unit const* phi = packed_;
    std::ptrdiff_t const next_row = after(here).row;
    for (int r = 0; r < R; r += together) {
      rider rider_of[together];
      V square[together];
      MHC_UNROLL for (int q = 0; q < together; ++q) {
        rider_of[q] = row_after(here, r + q, rides, to);
        square[q] = V(T(0));
      }
      for_channels<D>(columns(here), [&](std::ptrdiff_t c, auto lanes) MHC_ALWAYS_INLINE {
        MHC_UNROLL for (int q = 0; q < together; ++q) rider_of[q](c, lanes, square[q]);
        MHC_UNROLL for (int s = 0; s < steps; ++s) {
          add_outer_product(
              [&](int i) MHC_ALWAYS_INLINE { return repeat_unit<D, units>(x + i * L); },
              [&](int j) MHC_ALWAYS_INLINE { return same_bits<D>(units::load_aligned(phi->at[first + j])); }, sum);
          x += unit;
          ++phi;
        }
      });
      beside.ask(r * columns(here), together * columns(here));
      if (rides)
        MHC_UNROLL for (int q = 0; q < together; ++q) square_[next_row + r + q] = square_[next_row + r + q] + square[q];
    }
    MHC_UNROLL for (int i = 0; i < M; ++i) MHC_UNROLL for (int j = 0; j < C; ++j) {
      V& total = total_[here.row + i][first + j];
      total = total + sum[i][j];
    }
  }

  F const* phi_;
  X const* x_;
  F const* wanted_;             ///< never read; counted in elements of φ,
  std::ptrdiff_t wanted_rows_;  ///< in rows that are as long as one of x
  rows_to_come also_;
  std::ptrdiff_t length_, rows_, end_;
  V total_[groups * R][registers];
  V square_[groups * R];  ///< lane by lane
  alignas(64) packed_unit packed_[L / unit];
  alignas(64) E copy_[2][R][L];
};

}  // namespace mhc::detail

MHC_END_LANES
