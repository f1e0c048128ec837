// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/laplacian.hpp>
#include <mhc/ops/project_matrix/rows.hpp>

#include <cmath>

/// @file
/// The Laplacian of a graph on n columns, for n up to thousands: its weights Σ_i S_ij S_ik, and its elimination without
/// a subtraction as in <mhc/math/laplacian.hpp>. Both are sums of products C_lm += Σ_k A_kl B_km, l < m, of a panel of
/// rows k at a time, and one kernel computes them: n³/2 and n³/6 multiplications.

MHC_BEGIN_LANES

namespace mhc::detail {

/// Rows per panel.
inline constexpr int panel_rows = 32;
/// Rows of C per step of the kernel, which divides a panel and the padding: two vectors of each stay in registers, of
/// which there are 32 where they hold eight numbers and 16 where they hold fewer.
template <class V>
inline constexpr int kernel_rows = row_access<V>::width >= 8 ? 8 : 4;

/// C_lm += Σ_k a[k][l] b[k][m] for kernel_rows rows l and two vectors of m, in registers.
template <class V, class W>
void product_kernel(W* c, W const* a, W const* b, std::ptrdiff_t padded, int depth) {
  using access = row_access<V>;
  constexpr int width = access::width;
  constexpr int rows = kernel_rows<V>;
  V sum[rows][2];
  MHC_UNROLL for (int r = 0; r < rows; ++r) {
    sum[r][0] = access::load(c + r * padded);
    sum[r][1] = access::load(c + r * padded + width);
  }
  for (int k = 0; k < depth; ++k, a += padded, b += padded) {
    V const left = access::load(b), right = access::load(b + width);
    MHC_UNROLL for (int r = 0; r < rows; ++r) {
      V const x(a[r]);
      sum[r][0] = sum[r][0] + x * left;
      sum[r][1] = sum[r][1] + x * right;
    }
  }
  MHC_UNROLL for (int r = 0; r < rows; ++r) {
    access::store(sum[r][0], c + r * padded);
    access::store(sum[r][1], c + r * padded + width);
  }
}

/// The same for all l ≥ first, m ≥ l. Entries below the diagonal are spent.
template <class Machine, class W>
void add_products(Machine const& machine, matrix_shape const& shape, W* weights, W const* a, W const* b, int depth,
                  int first) {
  using V = vector_of<Machine, W>;
  constexpr int step = 2 * row_access<V>::width, rows = kernel_rows<V>;
  int const groups = (shape.padded - first) / rows;
  auto const group = [&](int g) {
    int const l = first + g * rows;
    for (int m = l - l % step; m < shape.padded; m += step)
      product_kernel<V>(weights + shape.offset(l) + m, a + l, b + m, shape.padded, depth);
  };
  machine.for_each((groups + 1) / 2, [&](std::ptrdiff_t pair) {  // a long one and a short one
    int const g = static_cast<int>(pair), other = groups - 1 - g;
    group(g);
    if (other != g) group(other);
  });
}

/// A graph on the columns, and room to solve on it.
template <class W>
struct column_graph_memory {
  W* weights;    ///< (n, n), above the diagonal
  W* held;       ///< μ_j: how much column j is held at 0
  W* right;      ///< the right-hand side
  W* noise;      ///< what rounding may have left in it
  W* inverse;    ///< of the degrees
  W* potential;  ///< the solution
  W* panel;

  column_graph_memory(scratch<W>& memory, matrix_shape const& shape)
      : weights(memory.take(shape.square())),
        held(memory.take(shape.padded)),
        right(memory.take(shape.padded)),
        noise(memory.take(shape.padded)),
        inverse(memory.take(shape.padded)),
        potential(memory.take(shape.padded)),
        panel(memory.take(std::ptrdiff_t{panel_rows} * shape.padded)) {}
};

/// weights ← Σ_i S_ij S_ik, with rows of S from load(i, row).
template <class Machine, class W, class Load>
void join_columns(Machine const& machine, matrix_shape const& shape, column_graph_memory<W> const& graph, Load&& load) {
  machine.for_each(shape.padded, [&](std::ptrdiff_t i) {
    fill(graph.weights + shape.offset(static_cast<int>(i)), shape.padded, W(0));
  });
  for (int i0 = 0; i0 < shape.order; i0 += panel_rows) {
    int const depth = shape.order - i0 < panel_rows ? shape.order - i0 : panel_rows;
    machine.for_each(depth, [&](std::ptrdiff_t k) {
      load(i0 + static_cast<int>(k), graph.panel + shape.offset(static_cast<int>(k)));
    });
    add_products(machine, shape, graph.weights, graph.panel, graph.panel, depth, 0);
  }
}

/// Eliminates columns k0 … k1 − 1 among themselves. panel: w_kl / d_k.
template <class V, class W, class Inverse>
void eliminate_panel(matrix_shape const& shape, column_graph_memory<W> const& graph, int k0, int k1,
                     Inverse&& inverse_of) {
  using access = row_access<V>;
  for (int k = k0; k < k1; ++k) {
    W* const row = graph.weights + shape.offset(k);
    W* const share = graph.panel + shape.offset(k - k0);
    int const from = k - k % row_padding;
    fill(row + from, k + 1 - from, W(0));
    W const degree = graph.held[k] + sum_along_row<V>(from, shape.padded, [&](int j) { return access::load(row + j); });
    W const inverse = graph.inverse[k] = inverse_of(k, degree);
    along_row<V>(from, shape.padded, [&](int j) { access::store(access::load(row + j) * V(inverse), share + j); });
    if (std::abs(graph.right[k]) <= graph.noise[k]) graph.right[k] = W(0);
    add_scaled<V>(graph.right, share, graph.right[k], shape.padded, from);
    add_scaled<V>(graph.noise, share, graph.noise[k], shape.padded, from);
    add_scaled<V>(graph.held, share, graph.held[k], shape.padded, from);
    for (int l = k + 1; l < k1; ++l)
      add_scaled<V>(graph.weights + shape.offset(l), row, share[l], shape.padded, l - l % row_padding);
  }
}

/// Solves Σ_k w_jk (β_j − β_k) + μ_j β_j = right_j; spends all but β. inverse_of(k, degree) says what 1/degree is where
/// a column is coupled to no other.
///
/// What the right-hand side of a group of columns sums to is known up to its noise. Where the group is coupled to the
/// rest by less than that, its β would all be moved by so much that their differences were lost; a sum that may be 0
/// counts as 0.
template <class Machine, class W, class Inverse>
void solve_on_columns(Machine const& machine, matrix_shape const& shape, column_graph_memory<W> const& graph,
                      Inverse&& inverse_of) {
  using V = vector_of<Machine, W>;
  for (int k0 = 0; k0 < shape.order; k0 += panel_rows) {
    int const k1 = shape.order - k0 < panel_rows ? shape.order : k0 + panel_rows;
    eliminate_panel<V>(shape, graph, k0, k1, inverse_of);
    if (k1 < shape.order)
      add_products(machine, shape, graph.weights, graph.panel, graph.weights + shape.offset(k0), k1 - k0, k1);
  }
  fill(graph.potential, shape.padded, W(0));
  for (int k = shape.order - 1; k >= 0; --k) {
    W const* const row = graph.weights + shape.offset(k);
    W const pull = dot<V>(row, graph.potential, shape.padded, k - k % row_padding);
    graph.potential[k] = (graph.right[k] + pull) * graph.inverse[k];
  }
}

/// 1/degree in a connected graph without μ: the last β is 0, as in math::solve_laplacian.
struct connected_graph {
  int last;
  template <class W>
  W operator()(int k, W degree) const {
    return k == last ? W(0) : W(1) / math::maximum<W>(degree, math::uncoupled<W>);
  }
};

/// 1/degree in a graph that may fall apart: the last β of each piece is 0. Its weights are 0 or far from it.
struct graph_in_pieces {
  int last = 0;
  template <class W>
  W operator()(int, W degree) const {
    return degree > W(0) ? W(1) / degree : W(0);
  }
};

}  // namespace mhc::detail

MHC_END_LANES
