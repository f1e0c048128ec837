// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/ops/project_matrix/elimination.hpp>
#include <mhc/ops/project_matrix/kernel.hpp>

#include <cmath>
#include <limits>

/// @file
/// The doubly stochastic matrix nearest to one large X in the Frobenius norm: the semismooth Newton method of
/// <mhc/math/euclidean.hpp>, row by row. The state is Y = X + a⊕b with every row on the simplex, P = max(0, Y).

MHC_BEGIN_LANES

namespace mhc::detail {

template <class W>
struct euclidean_memory {
  W *state, *direction, *deficit, *trial_deficit, *row_error;
  column_graph_memory<W> graph;
  block_rows<W> partial, stage;

  euclidean_memory(scratch<W>& memory, matrix_shape const& shape)
      : state(memory.take(shape.square())),
        direction(memory.take(shape.padded)),
        deficit(memory.take(shape.padded)),
        trial_deficit(memory.take(shape.padded)),
        row_error(memory.take(shape.padded)),
        graph(memory, shape),
        partial(memory, shape, 1),
        stage(memory, shape, 1) {}
};

/// Adds to the row the number that makes its positive part sum to 1. The entries that stay positive are found from
/// above: those within 1 of the largest, then without those below the number found, until none is (C. Michelot,
/// J. Optim. Theory Appl. 50 (1986) 195–200).
template <class V, class W>
void shift_row_to_simplex(W* row, int padded, W top) {
  using access = row_access<V>;
  along_row<V>(0, padded, [&](int j) { access::store(access::load(row + j) - V(top), row + j); });
  W shift(-1);
  for (W last = W(padded) + 1;;) {
    auto const positive = [&](int j, V const& value) {
      return math::select<V>(math::less<V>(V(shift), access::load(row + j)), value, V(0));
    };
    W const count = sum_along_row<V>(0, padded, [&](int j) { return positive(j, V(1)); });
    if (!(count < last)) break;
    last = count;
    shift = (sum_along_row<V>(0, padded, [&](int j) { return positive(j, access::load(row + j)); }) - W(1)) / count;
  }
  along_row<V>(0, padded, [&](int j) { access::store(access::load(row + j) - V(shift), row + j); });
}

template <class Machine, class T, class W>
class matrix_euclidean {
  using V = vector_of<Machine, W>;
  using access = row_access<V>;

 public:
  matrix_euclidean(Machine const& machine, matrix_shape const& shape, matrix_view<T const> logits,
                   euclidean_memory<W> const& memory)
      : machine_(machine), shape_(shape), logits_{logits}, memory_(memory) {}

  matrix_report run(W tolerance, int max_iterations, oriented<T> const& plan) const {
    W const reach = start();
    matrix_report report{0, 0, false};
    W error = step_to(W(0), memory_.deficit, false);
    for (; report.steps < max_iterations && error > tolerance; ++report.steps) {
      W const next = newton_step(error, reach);
      if (next == error) break;  // rounding allows no step
      error = next;
    }
    report.converged = error <= tolerance;
    if (std::isnan(error)) fill(memory_.state, shape_.square(), error);
    report.error =
        static_cast<double>(marginal_error_of(machine_, shape_, memory_.partial, memory_.trial_deficit,
                                              memory_.row_error, [&](int, int i) { return finished_row(i, plan); }));
    return report;
  }

 private:
  /// Y ← X, rows on the simplex. Returns how far below 0 its entries reach, at least 1.
  W start() const {
    fill(memory_.direction, shape_.padded, W(0));
    memory_.partial.clear(shape_);
    for_rows(machine_, shape_, [&](int block, int i) {
      W* const row = memory_.state + shape_.offset(i);
      logits_.load(i, row, shape_.padded, nothing<W>);
      W poison(0);  // a selection drops a NaN, a sum keeps it
      for (int j = 0; j < shape_.order; ++j) poison += row[j] * W(0);
      shift_row_to_simplex<V>(row, shape_.padded, row_maximum<V>(row, shape_.padded));
      row[0] += poison;
      W& low = *memory_.partial.at(block);
      for (int j = 0; j < shape_.order; ++j) low = math::minimum(low, row[j]);
    });
    W reach(1);
    for (int b = 0; b < shape_.blocks; ++b) reach = math::maximum<W>(reach, -*memory_.partial.at(b));
    return reach;
  }

  /// What the columns of max(0, Y + length·1dᵀ) lack, rows on the simplex again; Y is moved there if `stay`. Returns
  /// the largest magnitude, NaN if there is one.
  W step_to(W length, W* deficit, bool stay) const {
    memory_.partial.clear(shape_);
    for_rows(machine_, shape_, [&](int block, int i) {
      W* const state = memory_.state + shape_.offset(i);
      W* const row = stay ? state : memory_.stage.at(block);
      along_row<V>(0, shape_.padded, [&](int j) {
        access::store(access::load(state + j) + V(length) * access::load(memory_.direction + j), row + j);
      });
      shift_row_to_simplex<V>(row, shape_.padded, row_maximum<V>(row, shape_.padded));
      W* const partial = memory_.partial.at(block);
      along_row<V>(0, shape_.padded, [&](int j) {
        access::store(access::load(partial + j) - math::maximum<V>(V(0), access::load(row + j)), partial + j);
      });
      partial[0] += row[0] * W(0);
    });
    fill(deficit, shape_.padded, W(0));
    memory_.partial.template add_to<V>(deficit, shape_);
    W worst(0);
    for (int j = 0; j < shape_.order; ++j) worst = larger(worst, std::abs(deficit[j] += W(1)));
    return worst;
  }

  /// direction ← d with (L + μ)d = deficit, L the Laplacian of the pattern Y > 0.
  void find_direction(W mu) const {
    auto const& graph = memory_.graph;
    join_columns(machine_, shape_, graph, [&](int i, W* row) {
      W const* const state = memory_.state + shape_.offset(i);
      auto const on = [&](int j) { return math::select<V>(math::less<V>(V(0), access::load(state + j)), V(1), V(0)); };
      V const each(W(1) / std::sqrt(sum_along_row<V>(0, shape_.padded, on)));
      along_row<V>(0, shape_.padded, [&](int j) { access::store(on(j) * each, row + j); });
    });
    fill(graph.held, shape_.padded, mu);
    fill(graph.noise, shape_.padded, W(0));
    for (int j = 0; j < shape_.padded; ++j) graph.right[j] = j < shape_.order ? memory_.deficit[j] : W(0);
    solve_on_columns(machine_, shape_, graph, graph_in_pieces{});
    for (int j = 0; j < shape_.padded; ++j) memory_.direction[j] = graph.potential[j];
  }

  /// ψ'(t) from the deficit there.
  W slope(W const* deficit) const { return -dot<V>(deficit, memory_.direction, shape_.padded); }

  /// A full step if it halves the error, else a damped one; the error after it.
  W newton_step(W error, W reach) const {
    find_direction(W(0));
    if (step_to(W(1), memory_.trial_deficit, false) < error / 2) return step_to(W(1), memory_.deficit, true);
    find_direction(error / reach);
    W const wanted = slope(memory_.deficit) / 4;  // of ψ'(0), where the length is looked for by regula falsi
    W length(1), low(0), low_slope = 3 * wanted, high(1), high_slope(0);
    for (int k = 0; k < 64; ++k) {
      W const found = step_to(length, memory_.trial_deficit, false), here = slope(memory_.trial_deficit);
      if ((here <= W(0) && (k == 0 || here >= 2 * wanted)) || found < error / 2)
        return step_to(length, memory_.deficit, true);
      bool const beyond = here > wanted;
      low_slope = beyond ? low_slope / 2 : here - wanted;
      high_slope = beyond ? here - wanted : high_slope / 2;
      (beyond ? high : low) = length;
      length = low + (high - low) * (low_slope / (low_slope - high_slope));
    }
    return error;
  }

  /// Row i of the plan, written to the caller's.
  W const* finished_row(int i, oriented<T> const& plan) const {
    W* const row = memory_.state + shape_.offset(i);
    for (int j = 0; j < shape_.padded; ++j) row[j] = row[j] < W(0) ? W(0) : row[j];  // keeps a NaN
    plan.store(i, row);
    return row;
  }

  Machine const& machine_;
  matrix_shape const& shape_;
  oriented<T const> logits_;
  euclidean_memory<W> const& memory_;
};

}  // namespace mhc::detail

MHC_END_LANES
