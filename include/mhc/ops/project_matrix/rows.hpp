// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/views.hpp>
#include <mhc/math/lane.hpp>
#include <mhc/ops/project_matrix/types.hpp>

#include <cmath>
#include <cstddef>

/// @file
/// One large matrix, row by row. A backend is a `Machine`: the vector V = Machine::vector<W> that rows are read in, and
/// for_each(count, f), which runs f(0) … f(count − 1) in any order. Everything is computed in W (double, or the element
/// type where it holds more) and read once per pass, rows and columns together: while row i is in the cache, its sum is
/// taken and it is added to the sums of the columns.

MHC_BEGIN_LANES

namespace mhc::detail {

/// Between memory and a vector of numbers. A number is a vector of one; SIMD registers specialise this.
template <class V>
struct row_access {
  using element = V;
  static constexpr int width = 1;
  static V load(V const* p) { return *p; }
  static void store(V const& v, V* p) { *p = v; }
  static V sum(V const& v) { return v; }
  static V maximum(V const& v) { return v; }
};

template <class Machine, class W>
using vector_of = typename Machine::template vector<W>;

/// f(j) at every vector from `first` on, a multiple of the padding.
template <class V, class F>
void along_row(int first, int padded, F&& f) {
  for (int j = first; j < padded; j += row_access<V>::width) f(j);
}

/// Σ of the vectors term(j) and of their elements.
template <class V, class F>
typename row_access<V>::element sum_along_row(int first, int padded, F&& term) {
  constexpr int width = row_access<V>::width;
  V even(0), odd(0);
  for (int j = first; j < padded; j += 2 * width) {
    even = even + term(j);
    odd = odd + term(j + width);
  }
  return row_access<V>::sum(even + odd);
}

template <class V, class W>
W dot(W const* a, W const* b, int padded, int first = 0) {
  return sum_along_row<V>(first, padded,
                          [&](int j) { return row_access<V>::load(a + j) * row_access<V>::load(b + j); });
}

/// y += factor · x.
template <class V, class W>
void add_scaled(W* y, W const* x, W factor, int padded, int first = 0) {
  V const a(factor);
  along_row<V>(first, padded, [&](int j) {
    row_access<V>::store(row_access<V>::load(y + j) + a * row_access<V>::load(x + j), y + j);
  });
}

template <class W>
void fill(W* row, std::ptrdiff_t count, W value) {
  for (std::ptrdiff_t j = 0; j < count; ++j) row[j] = value;
}

/// A matrix of the caller's, or its transpose, read and written by rows of working numbers.
template <class T>
struct oriented {
  matrix_view<T> matrix;
  bool transposed = false;

  template <class W>
  void load(int i, W* row, int padded, W padding = W(0)) const {
    int const n = matrix.order;
    if (transposed) {
      for (int j = 0; j < n; ++j) row[j] = static_cast<W>(matrix(j, i));
    } else {
      for (int j = 0; j < n; ++j) row[j] = static_cast<W>(matrix.row(i)[j]);
    }
    for (int j = n; j < padded; ++j) row[j] = padding;
  }
  template <class W>
  void store(int i, W const* row) const {
    int const n = matrix.order;
    if (transposed) {
      for (int j = 0; j < n; ++j) matrix(j, i) = static_cast<T>(row[j]);
    } else {
      for (int j = 0; j < n; ++j) matrix.row(i)[j] = static_cast<T>(row[j]);
    }
  }
};

/// f(block, i) for every row, one block of rows after another or at the same time.
template <class Machine, class F>
void for_rows(Machine const& machine, matrix_shape const& shape, F&& f) {
  machine.for_each(shape.blocks, [&](std::ptrdiff_t block) {
    int const b = static_cast<int>(block);
    int const end = (b + 1) * shape.rows < shape.order ? (b + 1) * shape.rows : shape.order;
    for (int i = b * shape.rows; i < end; ++i) f(b, i);
  });
}

/// Some rows of numbers for each block of rows: partial sums over its rows, or a row that is being worked on.
template <class W>
struct block_rows {
  W* data;
  int each;
  std::ptrdiff_t padded;

  block_rows(scratch<W>& memory, matrix_shape const& shape, int per_block)
      : data(memory.take(std::ptrdiff_t{per_block} * shape.blocks * shape.padded)),
        each(per_block),
        padded(shape.padded) {}
  W* at(int block, int which = 0) const { return data + (std::ptrdiff_t{each} * block + which) * padded; }

  void clear(matrix_shape const& shape) const { fill(data, each * shape.blocks * padded, W(0)); }
  /// total += the sums of the blocks, in their order.
  template <class V>
  void add_to(W* total, matrix_shape const& shape, int which = 0) const {
    for (int b = 0; b < shape.blocks; ++b) add_scaled<V>(total, at(b, which), W(1), shape.padded);
  }
};

/// Keeps a NaN.
template <class W>
W larger(W a, W b) {
  return a >= b || a != a ? a : b;
}

/// max |row or column sum − 1| of the matrix whose rows load(block, i) returns.
template <class Machine, class W, class Load>
W marginal_error_of(Machine const& machine, matrix_shape const& shape, block_rows<W> const& partial, W* column,
                    W* row_error, Load&& load) {
  using V = vector_of<Machine, W>;
  partial.clear(shape);
  for_rows(machine, shape, [&](int block, int i) {
    W const* const row = load(block, i);
    W const sum = sum_along_row<V>(0, shape.padded, [&](int j) { return row_access<V>::load(row + j); });
    row_error[i] = std::abs(sum - W(1));
    add_scaled<V>(partial.at(block), row, W(1), shape.padded);
  });
  fill(column, shape.padded, W(0));
  partial.template add_to<V>(column, shape);
  W worst(0);
  for (int j = 0; j < shape.order; ++j) worst = larger(worst, larger(row_error[j], std::abs(column[j] - W(1))));
  return worst;
}

}  // namespace mhc::detail

MHC_END_LANES
