// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/newton.hpp>
#include <mhc/ops/project_matrix/elimination.hpp>
#include <mhc/ops/project_matrix/kernel.hpp>

#include <cmath>
#include <limits>

/// @file
/// The exact entropic projection of one large matrix: the Newton method of <mhc/math/newton.hpp>, row by row. A step
/// costs 2n³/3 multiplications, an iteration of Sinkhorn's n²; so the latter go first, as long as each halves the error
/// of the columns.

MHC_BEGIN_LANES

namespace mhc::detail {

template <class W>
struct newton_memory {
  W* plan;
  W* logits_shift;  ///< b
  W* factor;        ///< exp of the step
  W* row_error;
  column_graph_memory<W> graph;
  block_rows<W> partial;

  newton_memory(scratch<W>& memory, matrix_shape const& shape)
      : plan(memory.take(shape.square())),
        logits_shift(memory.take(shape.padded)),
        factor(memory.take(shape.padded)),
        row_error(memory.take(shape.padded)),
        graph(memory, shape),
        partial(memory, shape, 1) {}
};

template <class Machine, class T, class W>
class matrix_newton {
  using V = vector_of<Machine, W>;
  using access = row_access<V>;

 public:
  matrix_newton(Machine const& machine, matrix_shape const& shape, matrix_view<T const> logits,
                newton_memory<W> const& memory)
      : machine_(machine), shape_(shape), logits_{logits}, memory_(memory) {}

  /// Leaves the plan in memory.
  matrix_report run(W tolerance, int max_iterations) const {
    fill(memory_.logits_shift, shape_.padded, W(0));
    bool const wide = evaluate();
    matrix_report report{0, 0, false};
    bool cheap = !wide;
    W last = -nothing<W>;
    for (int newton_steps = 0;; ++report.steps) {
      W const error = column_errors();
      if (!(error < -nothing<W>)) break;  // a NaN or infinity: nothing to iterate on
      report.converged = report.converged || error <= tolerance;
      cheap = cheap && error < last / 2;
      if (report.converged || (!cheap && newton_steps == max_iterations)) break;
      last = error;
      W oscillation(0);
      if (cheap) {
        scale_columns();
      } else {
        oscillation = newton_step();
        ++newton_steps;
        report.converged = oscillation * oscillation <= tolerance;  // what is left after a step so short
      }
      if (wide && oscillation > W(0.1)) {
        evaluate();
      } else {
        apply();
      }
    }
    report.error =
        static_cast<double>(marginal_error_of(machine_, shape_, memory_.partial, memory_.factor, memory_.row_error,
                                              [&](int, int i) { return memory_.plan + shape_.offset(i); }));
    if (std::isnan(report.error)) fill(memory_.plan, shape_.square(), std::numeric_limits<W>::quiet_NaN());
    return report;
  }

 private:
  /// Plan ← row softmax of Z + b. Returns whether a row is spread too wide for the linear domain.
  bool evaluate() const {
    memory_.partial.clear(shape_);
    for_rows(machine_, shape_, [&](int block, int i) {
      W* const row = memory_.plan + shape_.offset(i);
      logits_.load(i, row, shape_.padded, nothing<W>);
      W low = row[0], high = row[0];
      for (int j = 1; j < shape_.order; ++j) {
        low = math::minimum(low, row[j]);
        high = math::maximum(high, row[j]);
      }
      W& spread = *memory_.partial.at(block);
      spread = math::maximum<W>(spread, high - low);
      add_scaled<V>(row, memory_.logits_shift, W(1), shape_.padded);
      softmax_row<V>(row, shape_.padded);
    });
    W spread(0);
    for (int b = 0; b < shape_.blocks; ++b) spread = math::maximum(spread, *memory_.partial.at(b));
    return spread > math::linear_range<W>;
  }

  /// factor ← column sums, right ← 1 − column sums; returns the largest magnitude of that, NaN if there is one.
  W column_errors() const {
    memory_.partial.clear(shape_);
    for_rows(machine_, shape_, [&](int block, int i) {
      add_scaled<V>(memory_.partial.at(block), memory_.plan + shape_.offset(i), W(1), shape_.padded);
    });
    fill(memory_.factor, shape_.padded, W(0));
    memory_.partial.template add_to<V>(memory_.factor, shape_);
    W* const right = memory_.graph.right;
    W worst(0);
    for (int j = 0; j < shape_.order; ++j) worst = larger(worst, std::abs(right[j] = W(1) - memory_.factor[j]));
    fill(right + shape_.order, shape_.padded - shape_.order, W(0));
    return worst;
  }

  /// factor ← 1 / column sums.
  void scale_columns() const {
    for (int j = 0; j < shape_.order; ++j) set_step(j, -std::log(memory_.factor[j]));
  }

  /// factor ← exp of the damped Newton step. Returns the oscillation of the step before damping.
  W newton_step() const {
    auto const& graph = memory_.graph;
    join_columns(machine_, shape_, graph, [&](int i, W* row) {
      W const* const plan = memory_.plan + shape_.offset(i);
      for (int j = 0; j < shape_.padded; ++j) row[j] = plan[j];
    });
    // Groups of columns that are coupled by less than rounding would move apart for ever to mend a rounding error.
    fill(graph.held, shape_.padded, std::numeric_limits<W>::epsilon());
    fill(graph.noise, shape_.padded, W(0));
    solve_on_columns(machine_, shape_, graph, [](int, W degree) { return W(1) / degree; });
    W low = graph.potential[0], high = low;
    for (int j = 1; j < shape_.order; ++j) {
      low = math::minimum(low, graph.potential[j]);
      high = math::maximum(high, graph.potential[j]);
    }
    W const rho = high - low;
    W const damping = rho > W(1e-3) ? std::log1p(rho) / rho : W(1);
    for (int j = 0; j < shape_.order; ++j) set_step(j, damping * (graph.potential[j] - high));  // ≤ 0: no overflow
    return rho;
  }

  void set_step(int j, W step) const {
    memory_.logits_shift[j] += step;
    memory_.factor[j] = std::exp(step);
  }

  /// Columns of the plan times their factors, rows to sum 1.
  void apply() const {
    for_rows(machine_, shape_, [&](int, int i) {
      W* const row = memory_.plan + shape_.offset(i);
      W const sum = sum_along_row<V>(0, shape_.padded, [&](int j) {
        V const p = access::load(row + j) * access::load(memory_.factor + j);
        access::store(p, row + j);
        return p;
      });
      V const factor(W(1) / sum);
      along_row<V>(0, shape_.padded, [&](int j) { access::store(access::load(row + j) * factor, row + j); });
    });
  }

  Machine const& machine_;
  matrix_shape const& shape_;
  oriented<T const> logits_;
  newton_memory<W> const& memory_;
};

}  // namespace mhc::detail

MHC_END_LANES
