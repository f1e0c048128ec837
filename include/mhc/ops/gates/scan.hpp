// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/ops/gates/factors.hpp>
#include <mhc/ops/gates/products.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/parameters.hpp>

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

/// A block of columns of φ stays in the first-level cache while all rows pass; while a few rows are multiplied, the next
/// are copied and squared between the multiplications, and those after them asked for. Rows are copied because they, and
/// those of φ, can lie a power of two apart: they would share a few lines of cache.
template <class V, class Kind, class X, class F, std::ptrdiff_t Rows, class D = factors_of<V, X, F>>
class score_scan {
  using T = math::scalar_of<V>;
  using E = typename factor_element<D>::type;
  static constexpr int K = Kind::scores_per_row, R = dot_rows<V>, W = dot_columns<V>, calls = (K + W - 1) / W;
  static constexpr int tile = sums_length<V, R * W>;
  static constexpr std::ptrdiff_t L = sum_block<E>;

 public:
  /// Rows first_row, first_row + length, …, `rows` of them, at most Rows.
  score_scan(F const* phi, X const* first_row, std::ptrdiff_t length, std::ptrdiff_t rows)
      : phi_(phi), x_(first_row), length_(length), rows_(rows) {
    std::ptrdiff_t const groups = (rows + R - 1) / R;
    std::fill_n(&product_[0][0][0], groups * calls * tile, T(0));
    std::fill_n(square_, groups * R, V(T(0)));
    place here;
    for (int r = 0; r < R; ++r) copy_row(here, r, copy_[0]);
    for (bool odd = false; here.column < length; odd = !odd) {
      place const next = after(here);
      bool const ride = next.column < length && columns(next) == columns(here);
      multiply(here, ride, copy_[odd], copy_[!odd]);
      for (int r = ride ? calls : 0; r < R && next.column < length; ++r) copy_row(next, r, copy_[!odd]);
      here = next;
    }
  }

  /// Row q times φ_k.
  T product(std::ptrdiff_t q, int k) const {
    int const call = k / W, columns = call < K / W ? W : K % W;
    return product_[q / R][call][q % R * columns + k % W];
  }
  /// Of row q.
  T square(std::ptrdiff_t q) const { return sum_of_lanes(square_[q]); }

 private:
  using rows_of_copy = E (&)[R][L];

  /// R rows, from column on.
  struct place {
    std::ptrdiff_t column = 0, row = 0;
  };
  place after(place p) const { return p.row + R < rows_ ? place{p.column, p.row + R} : place{p.column + L, 0}; }
  std::ptrdiff_t columns(place p) const { return std::min(L, length_ - p.column); }
  /// A row beyond the last repeats it, and is not kept.
  X const* row(place p, int r) const { return x_ + std::min(p.row + r, rows_ - 1) * length_ + p.column; }

  /// A row on its way into the copy, and what is asked for meanwhile.
  struct rider {
    X const* from;  ///< null: no row
    E* to;
    V* square;
    X const* x_ahead;
    F const* phi_ahead;

    MHC_ALWAYS_INLINE void operator()(std::ptrdiff_t c, auto lanes, V& sum) const {
      prefetch(x_ahead, c);
      prefetch(phi_ahead, c);
      if (from == nullptr) return;
      D x = load_factors<D>(from + c, lanes);
      hold(x);
      store_factors(x, to + c, lanes);
      sum = multiply_add(x, x, sum);
    }
    MHC_ALWAYS_INLINE static void phi(int, std::ptrdiff_t, auto, D const&) {}
    MHC_ALWAYS_INLINE void done(V const& sum) const {
      if (from != nullptr) *square = *square + sum;
    }
  };
  /// The same while φ goes into its copy.
  struct first_rider : rider {
    E* packed;
    MHC_ALWAYS_INLINE void phi(int k, std::ptrdiff_t c, auto lanes, D const& p) const {
      store_factors(p, packed + k * L + c, lanes);
    }
  };

  void copy_row(place p, int r, rows_of_copy to) {
    place const later = after(p);
    rider const one{row(p, r), to[r], square_ + p.row + r, later.column < length_ ? row(later, r) : x_, phi_};
    V sum(T(0));
    for_channels<D>(columns(p), [&](std::ptrdiff_t c, auto lanes) MHC_ALWAYS_INLINE { one(c, lanes, sum); });
    one.done(sum);
  }

  /// Rows at `here`, which are in `at`; rows of the place after ride into `to`.
  void multiply(place here, bool ride, rows_of_copy at, rows_of_copy to) {
    place const next = after(here), later = after(next);
    std::ptrdiff_t const n = columns(here);
    for (int call = 0; call < calls; ++call) {
      bool const rides = ride && call < R;
      bool const asks = later.column < length_ && call < R;
      std::ptrdiff_t const phi_row = here.row / R * calls + call;
      bool const asks_phi = here.column + L < length_ && phi_row < K;
      rider const one{rides ? row(next, call) : nullptr, to[call % R], square_ + next.row + call % R,
                      asks ? row(later, call) : x_, asks_phi ? phi_ + phi_row * length_ + here.column + L : phi_};
      T* const sums = product_[here.row / R][call];
      if (here.row == 0)
        products(call, at, phi_ + call * W * length_ + here.column, length_, n, sums,
                 first_rider{one, packed_ + call * W * L});
      else
        products(call, at, packed_ + call * W * L, std::integral_constant<std::ptrdiff_t, L>{}, n, sums, one);
    }
  }

  template <class Aside>
  static void products(int call, rows_of_copy at, auto const* phi, auto stride, std::ptrdiff_t n, T* sums,
                       Aside const& aside) {
    if constexpr (K % W != 0) {
      if (call == calls - 1) return add_dot_products<V, D, R, K % W>(at, phi, stride, n, sums, aside);
    }
    if constexpr (K >= W) add_dot_products<V, D, R, W>(at, phi, stride, n, sums, aside);
  }

  F const* phi_;
  X const* x_;
  std::ptrdiff_t length_, rows_;
  alignas(64) T product_[(Rows + R - 1) / R][calls > 0 ? calls : 1][tile];
  V square_[(Rows + R - 1) / R * R];  ///< lane by lane
  alignas(64) E packed_[(K > 0 ? K : 1) * L];
  alignas(64) E copy_[2][R][L];
};

}  // namespace mhc::detail

MHC_END_LANES
