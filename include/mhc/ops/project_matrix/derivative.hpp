// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/ops/project_matrix/elimination.hpp>

#include <cmath>
#include <limits>

/// @file
/// P∘(X − α⊕β) for one large P, as in <mhc/math/laplacian.hpp>. Differences of X along a row are taken from the entry of
/// X where P is largest: what is left of X there is 0, and its mean over the row, Σ_k P_ik X_ik / r_i, is a sum of
/// small numbers where X itself would cancel.

MHC_BEGIN_LANES

namespace mhc::detail {

template <class W>
struct derivative_memory {
  column_graph_memory<W> graph;
  block_rows<W> partial, stage;

  derivative_memory(scratch<W>& memory, matrix_shape const& shape)
      : graph(memory, shape), partial(memory, shape, 2), stage(memory, shape, 3) {}
};

/// x ← p∘(x − mean of x), the mean weighted with p; returns Σ p.
template <class V, class W>
W centre_row(W const* p, W* x, matrix_shape const& shape) {
  using access = row_access<V>;
  int pivot = 0;
  for (int j = 1; j < shape.order; ++j)
    if (p[j] > p[pivot]) pivot = j;
  V const origin(x[pivot]);
  W const total = sum_along_row<V>(0, shape.padded, [&](int j) { return access::load(p + j); });
  W const moment =
      sum_along_row<V>(0, shape.padded, [&](int j) { return access::load(p + j) * (access::load(x + j) - origin); });
  V const mean(moment / total);
  along_row<V>(0, shape.padded,
               [&](int j) { access::store(access::load(p + j) * ((access::load(x + j) - origin) - mean), x + j); });
  return total;
}

/// `inverse_of` says what the graph of P is like: connected_graph or graph_in_pieces. Rows of P and X from load_p(i, row) and load_x(i, row); the rows of the result go to store(block, i, row).
template <class Machine, class W, class Inverse, class LoadP, class LoadX, class Store>
void implicit_derivative_of(Machine const& machine, matrix_shape const& shape, derivative_memory<W> const& memory,
                            Inverse const& inverse_of, LoadP&& load_p, LoadX&& load_x, Store&& store) {
  using V = vector_of<Machine, W>;
  using access = row_access<V>;
  auto const& graph = memory.graph;
  memory.partial.clear(shape);
  for_rows(machine, shape, [&](int block, int i) {
    W *const p = memory.stage.at(block, 0), *const x = memory.stage.at(block, 1);
    load_p(i, p);
    load_x(i, x);
    centre_row<V>(p, x, shape);
    W *const sum = memory.partial.at(block, 0), *const size = memory.partial.at(block, 1);
    along_row<V>(0, shape.padded, [&](int j) {
      V const flow = access::load(x + j);
      access::store(access::load(sum + j) + flow, sum + j);
      access::store(access::load(size + j) + math::magnitude(flow), size + j);
    });
  });
  fill(graph.right, shape.padded, W(0));
  fill(graph.noise, shape.padded, W(0));
  memory.partial.template add_to<V>(graph.right, shape, 0);
  memory.partial.template add_to<V>(graph.noise, shape, 1);
  W const rounding = static_cast<W>(shape.rows + shape.blocks + 4) * std::numeric_limits<W>::epsilon();
  for (int j = 0; j < shape.padded; ++j) graph.noise[j] *= rounding;
  join_columns(machine, shape, graph, [&](int i, W* row) {
    load_p(i, row);
    W const total = sum_along_row<V>(0, shape.padded, [&](int j) { return access::load(row + j); });
    V const factor(W(1) / std::sqrt(total));
    along_row<V>(0, shape.padded, [&](int j) { access::store(access::load(row + j) * factor, row + j); });
  });
  fill(graph.held, shape.padded, W(0));
  solve_on_columns(machine, shape, graph, inverse_of);
  for_rows(machine, shape, [&](int block, int i) {
    W *const p = memory.stage.at(block, 0), *const x = memory.stage.at(block, 1);
    load_p(i, p);
    load_x(i, x);
    add_scaled<V>(x, graph.potential, W(-1), shape.padded);
    centre_row<V>(p, x, shape);
    store(block, i, x);
  });
}

}  // namespace mhc::detail

MHC_END_LANES
