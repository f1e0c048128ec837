// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/sinkhorn.hpp>
#include <mhc/ops/project_matrix/rows.hpp>
#include <mhc/projections/convention.hpp>

#include <cmath>
#include <limits>

/// @file
/// From the logits of one large matrix to the kernel K of Sinkhorn's iteration, and back to the gradient of the logits.
/// What <mhc/projections/convention.hpp> says of a matrix in registers, said of rows in memory: nothing is transposed,
/// the side that comes first is.

MHC_BEGIN_LANES

namespace mhc::detail {

/// How a convention reads and writes a matrix in the layout of its logits.
struct kernel_recipe {
  bool rows_first;          ///< which side is divided first
  bool ends_with_first;     ///< whether the last round leaves its second side out
  bool plan_is_transposed;  ///< whether H_res is the transpose of what the iteration returns
  double scale = 1;         ///< of the logits
  bool softmax = false;     ///< K = softmax of each row + raise, else exp(Z) less the maximum of what comes first
  double raise = 0;
};

inline kernel_recipe recipe_of(convention::paper const&) { return {false, false, false}; }
inline kernel_recipe recipe_of(convention::log_domain const& c) { return {true, false, false, 1 / c.temperature}; }
inline kernel_recipe recipe_of(convention::megatron const&) { return {true, false, false}; }
inline kernel_recipe recipe_of(convention::deepseek_v4 const& c) { return {false, true, true, 1, true, c.epsilon}; }

inline math::divide_by_sum rule_of(convention::paper const&) { return {}; }
inline math::divide_by_sum rule_of(convention::log_domain const&) { return {}; }
inline math::divide_by_sum_at_least rule_of(convention::megatron const& c) { return {c.epsilon}; }
inline math::divide_by_sum_plus rule_of(convention::deepseek_v4 const& c) { return {c.epsilon}; }

/// A convention that is known for matrices of any order.
template <class C>
concept matrix_convention = requires(C const c) {
  recipe_of(c);
  rule_of(c);
};

/// max_j row_j.
template <class V, class W>
W row_maximum(W const* row, int padded) {
  V top = row_access<V>::load(row);
  along_row<V>(0, padded, [&](int j) { top = math::maximum<V>(top, row_access<V>::load(row + j)); });
  return row_access<V>::maximum(top);
}

/// row ← exp(row − top); returns the sum.
template <class V, class W>
W exponentiate(W* row, W top, int padded) {
  using std::exp;
  return sum_along_row<V>(0, padded, [&](int j) {
    V const e = exp(row_access<V>::load(row + j) - V(top));
    row_access<V>::store(e, row + j);
    return e;
  });
}

/// row ← softmax(row); the padding is −∞ and becomes 0.
template <class V, class W>
void softmax_row(W* row, int padded) {
  W const factor = W(1) / exponentiate<V>(row, row_maximum<V>(row, padded), padded);
  along_row<V>(0, padded, [&](int j) { row_access<V>::store(row_access<V>::load(row + j) * V(factor), row + j); });
}

template <class W>
inline constexpr W nothing = -std::numeric_limits<W>::infinity();

/// Loads a row of scaled logits.
template <class T, class W>
void load_logits(kernel_recipe const& recipe, oriented<T const> const& logits, int i, W* row, int padded) {
  logits.load(i, row, padded, nothing<W>);
  if (recipe.scale != 1)
    for (int j = 0; j < logits.matrix.order; ++j) row[j] *= static_cast<W>(recipe.scale);
}

/// Subtracts from each column its maximum, and returns the largest spread of a column.
template <class Machine, class W>
W shift_columns(Machine const& machine, matrix_shape const& shape, W* kernel, block_rows<W> const& partial) {
  using V = vector_of<Machine, W>;
  using access = row_access<V>;
  for (int b = 0; b < shape.blocks; ++b) {
    fill(partial.at(b, 0), shape.padded, nothing<W>);   // maxima
    fill(partial.at(b, 1), shape.padded, -nothing<W>);  // minima
  }
  for_rows(machine, shape, [&](int block, int i) {
    W const* const row = kernel + shape.offset(i);
    W *const high = partial.at(block, 0), *const low = partial.at(block, 1);
    along_row<V>(0, shape.padded, [&](int j) {
      V const x = access::load(row + j);
      access::store(math::maximum<V>(access::load(high + j), x), high + j);
      access::store(math::minimum<V>(access::load(low + j), x), low + j);
    });
  });
  W spread(0);
  W* const top = partial.at(0, 0);
  for (int j = 0; j < shape.order; ++j) {
    W low = partial.at(0, 1)[j];
    for (int b = 1; b < shape.blocks; ++b) {
      top[j] = math::maximum(top[j], partial.at(b, 0)[j]);
      low = math::minimum(low, partial.at(b, 1)[j]);
    }
    spread = math::maximum<W>(spread, top[j] - low);
  }
  fill(top + shape.order, shape.padded - shape.order, W(0));
  for_rows(machine, shape, [&](int, int i) { add_scaled<V>(kernel + shape.offset(i), top, W(-1), shape.padded); });
  return spread;
}

/// The same of rows.
template <class Machine, class W>
W shift_rows(Machine const& machine, matrix_shape const& shape, W* kernel, block_rows<W> const& partial) {
  using V = vector_of<Machine, W>;
  partial.clear(shape);
  for_rows(machine, shape, [&](int block, int i) {
    W* const row = kernel + shape.offset(i);
    W const top = row_maximum<V>(row, shape.padded);
    W low = top;
    for (int j = 0; j < shape.order; ++j) {
      low = math::minimum(low, row[j]);
      row[j] -= top;
    }
    W* const spread = partial.at(block);
    spread[0] = math::maximum<W>(spread[0], top - low);
  });
  W spread(0);
  for (int b = 0; b < shape.blocks; ++b) spread = math::maximum(spread, partial.at(b)[0]);
  return spread;
}

/// kernel ← log K, up to what the first half-step forgets. Returns whether it is spread too wide for exp.
template <class Machine, class T, class W>
bool load_log_kernel(Machine const& machine, matrix_shape const& shape, kernel_recipe const& recipe,
                     oriented<T const> const& logits, W* kernel, block_rows<W> const& partial) {
  for_rows(machine, shape, [&](int, int i) { load_logits(recipe, logits, i, kernel + shape.offset(i), shape.padded); });
  W const spread =
      recipe.rows_first ? shift_rows(machine, shape, kernel, partial) : shift_columns(machine, shape, kernel, partial);
  return spread > math::linear_range<W>;
}

/// kernel ← softmax of the rows of the logits, + raise on every entry.
template <class Machine, class T, class W>
void load_softmax_kernel(Machine const& machine, matrix_shape const& shape, kernel_recipe const& recipe,
                         oriented<T const> const& logits, W* kernel) {
  using V = vector_of<Machine, W>;
  for_rows(machine, shape, [&](int, int i) {
    W* const row = kernel + shape.offset(i);
    load_logits(recipe, logits, i, row, shape.padded);
    softmax_row<V>(row, shape.padded);
    for (int j = 0; j < shape.order; ++j) row[j] += static_cast<W>(recipe.raise);
  });
}

/// kernel ← exp(kernel).
template <class Machine, class W>
void exponentiate_all(Machine const& machine, matrix_shape const& shape, W* kernel) {
  using V = vector_of<Machine, W>;
  for_rows(machine, shape, [&](int, int i) { exponentiate<V>(kernel + shape.offset(i), W(0), shape.padded); });
}

/// g: ∂loss/∂log K of row i ↦ ∂loss/∂Z. `s` is room for a row.
template <class V, class T, class W>
void pull_row(kernel_recipe const& recipe, oriented<T const> const& logits, int i, W* g, W* s, int padded) {
  if (!recipe.softmax) {
    for (int j = 0; j < logits.matrix.order; ++j) g[j] *= static_cast<W>(recipe.scale);
    return;
  }
  load_logits(recipe, logits, i, s, padded);
  softmax_row<V>(s, padded);
  for (int j = 0; j < logits.matrix.order; ++j) g[j] /= s[j] + static_cast<W>(recipe.raise);
  W const mean = dot<V>(s, g, padded);
  for (int j = 0; j < logits.matrix.order; ++j) g[j] = s[j] * (g[j] - mean);
}

}  // namespace mhc::detail

MHC_END_LANES
