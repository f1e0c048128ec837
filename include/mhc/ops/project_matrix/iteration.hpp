// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/sinkhorn.hpp>
#include <mhc/ops/project_matrix/rows.hpp>

#include <cmath>
#include <limits>

/// @file
/// Sinkhorn–Knopp on one large matrix, forward and backward, in half-steps: each divides the lines of one side, by turns.
/// One of the rows and the next of the columns are one pass over the kernel. Schemes and rules: <mhc/math/sinkhorn.hpp>.

MHC_BEGIN_LANES

namespace mhc::detail {

/// Σ_j K_ij v_j of a row.
template <class V, class Rule, class W>
W line_sum(math::scalings<Rule> const&, W const* kernel, W const* other, int padded) {
  return dot<V>(kernel, other, padded);
}
template <class Rule, class W>
W line_next(math::scalings<Rule> const& scheme, W old, W sum) {
  return scheme.rule.next(old, sum);
}
/// log Σ_j exp(L_ij + g_j).
template <class V, class Rule, class W>
W line_sum(math::potentials<Rule> const&, W const* logits, W const* other, int padded) {
  using std::exp;
  using access = row_access<V>;
  auto const term = [&](int j) { return access::load(logits + j) + access::load(other + j); };
  V high = term(0);
  along_row<V>(0, padded, [&](int j) { high = math::maximum<V>(high, term(j)); });
  W const top = access::maximum(high);
  return top + std::log(sum_along_row<V>(0, padded, [&](int j) { return exp(term(j) - V(top)); }));
}
template <class Rule, class W>
W line_next(math::potentials<Rule> const& scheme, W old, W log_sum) {
  return scheme.rule.next_log(old, log_sum);
}

template <class Rule, class W>
math::step_derivative<W> line_derivative(math::scalings<Rule> const& scheme, W old, W sum) {
  return scheme.rule.derivative(old, sum);
}
template <class Rule, class W>
math::step_derivative<W> line_derivative(math::potentials<Rule> const& scheme, W old, W log_sum) {
  return scheme.rule.derivative_log(old, log_sum);
}

/// The sums of the columns, block of rows by block of rows. `width` rows of numbers per block.
template <class Rule>
struct column_sums_of_scalings {
  static constexpr int width = 1;
  template <class W>
  static void start(W* partial, int padded) {
    fill(partial, padded, W(0));
  }
  template <class V, class W>
  static void add(W* partial, W const* kernel, W u, int padded) {
    add_scaled<V>(partial, kernel, u, padded);
  }
  template <class W>
  static W total(block_rows<W> const& partial, matrix_shape const& shape, int j) {
    W sum(0);
    for (int b = 0; b < shape.blocks; ++b) sum += partial.at(b)[j];
    return sum;
  }
};

/// log Σ exp, as a maximum and a sum relative to it.
struct column_sums_of_potentials {
  static constexpr int width = 2;
  template <class W>
  static void start(W* partial, int padded) {
    fill(partial, padded, std::numeric_limits<W>::lowest());
    fill(partial + padded, padded, W(0));
  }
  template <class V, class W>
  static void add(W* partial, W const* logits, W f, int padded) {
    using std::exp;
    using access = row_access<V>;
    W* const sum = partial + padded;
    along_row<V>(0, padded, [&](int j) {
      V const x = access::load(logits + j) + V(f), old = access::load(partial + j);
      V const top = math::maximum<V>(old, x);
      access::store(access::load(sum + j) * exp(old - top) + exp(x - top), sum + j);
      access::store(top, partial + j);
    });
  }
  template <class W>
  static W total(block_rows<W> const& partial, matrix_shape const& shape, int j) {
    W top = partial.at(0)[j], sum(0);
    for (int b = 1; b < shape.blocks; ++b) top = math::maximum(top, partial.at(b)[j]);
    for (int b = 0; b < shape.blocks; ++b) sum += partial.at(b, 1)[j] * std::exp(partial.at(b)[j] - top);
    return top + std::log(sum);
  }
};

template <class Scheme>
struct column_sums_for;
template <class Rule>
struct column_sums_for<math::scalings<Rule>> : column_sums_of_scalings<Rule> {};
template <class Rule>
struct column_sums_for<math::potentials<Rule>> : column_sums_of_potentials {};

/// How many half-steps there are, and which side the first one divides. Half-step h = 1 … steps.
struct half_steps {
  int steps;
  bool rows_first;
  constexpr bool divides_rows(int h) const { return (h % 2 == 1) == rows_first; }
};

/// One array per half-step; or, where the past is not kept, one per side. h = −1 and 0 are the start of the two sides.
template <class W>
struct half_step_arrays {
  W* data;
  bool kept;
  std::ptrdiff_t padded;

  half_step_arrays(scratch<W>& memory, matrix_shape const& shape, half_steps const& length, bool keep)
      : data(memory.take(std::ptrdiff_t{keep ? length.steps + 2 : 2} * shape.padded)),
        kept(keep),
        padded(shape.padded) {}
  W* at(int h) const { return data + (kept ? h + 1 : (h + 1) % 2) * padded; }
};

/// Everything that the iteration writes besides the kernel.
template <class W>
struct iteration_memory {
  half_step_arrays<W> scaling, sum, spend;
  W *f, *g;
  block_rows<W> partial, stage;

  iteration_memory(scratch<W>& memory, matrix_shape const& shape, half_steps const& length, bool backward)
      : scaling(memory, shape, length, backward),
        sum(memory, shape, length, backward),
        spend(memory, shape, length, backward),
        f(memory.take(shape.padded)),
        g(memory.take(shape.padded)),
        partial(memory, shape, 2),
        stage(memory, shape, 2) {}
};

template <class Machine, class Scheme, class W>
class matrix_iteration {
  using V = vector_of<Machine, W>;
  using access = row_access<V>;
  using column_sums = column_sums_for<Scheme>;

 public:
  matrix_iteration(Machine const& machine, Scheme const& scheme, matrix_shape const& shape, W const* kernel,
                   half_steps const& length, iteration_memory<W> const& memory)
      : machine_(machine), scheme_(scheme), shape_(shape), kernel_(kernel), length_(length), memory_(memory) {}

  void run() const {
    for (int h = -1; h <= 0; ++h) fill(memory_.scaling.at(h), shape_.padded, Scheme::template neutral<W>());
    int h = 1;
    if (!length_.rows_first) pass(h++, false, true);
    for (; h < length_.steps; h += 2) pass(h, true, true);
    if (h == length_.steps) pass(h, true, false);
  }

  /// row ← row i of the plan.
  void plan_row(int i, W* row) const { entries(i, last_of(true), last_of(false), row); }

  /// Runs backwards from G, whose rows load(i, row) copies; then gradient_row is known.
  template <class Load>
  void run_back(Load&& load) const {
    start_back(load);
    int h = length_.steps;
    if (length_.divides_rows(h)) pass_back(0, h--);
    for (; h >= 1; h -= 2) {
      spend_columns(h);
      if (h > 1) pass_back(h, h - 1);
    }
  }

  /// row: G_i ↦ ∂loss/∂log K_i. `entry` is room for a row.
  void gradient_row(int i, W* row, W* entry) const {
    plan_row(i, entry);
    along_row<V>(0, shape_.padded,
                 [&](int j) { access::store(access::load(row + j) * access::load(entry + j), row + j); });
    for (int h = length_.steps; h >= 1; --h) {
      W const* const spend = memory_.spend.at(h);
      bool const rows = length_.divides_rows(h);
      entries(i, rows ? h : h - 1, rows ? h - 1 : h, entry);
      along_row<V>(0, shape_.padded, [&](int j) {
        V const s = rows ? V(spend[i]) : access::load(spend + j);
        access::store(access::load(row + j) - s * access::load(entry + j), row + j);
      });
    }
  }

 private:
  /// The last half-step of the rows or of the columns.
  int last_of(bool rows) const {
    return length_.divides_rows(length_.steps) == rows ? length_.steps : length_.steps - 1;
  }

  /// row ← the entries of row i, scaled by half-step hu of the rows and hv of the columns.
  void entries(int i, int hu, int hv, W* row) const {
    W const* const k = kernel_ + shape_.offset(i);
    W const* const v = memory_.scaling.at(hv);
    V const u(memory_.scaling.at(hu)[i]);
    along_row<V>(0, shape_.padded,
                 [&](int j) { access::store(Scheme::entry(access::load(k + j), u, access::load(v + j)), row + j); });
  }

  /// Half-step h of the rows, then the half-step of the columns after it; either may be left out.
  void pass(int h, bool rows, bool columns) const {
    auto const& s = memory_.scaling;
    W* const u = s.at(rows ? h : h - 1);
    for_rows(machine_, shape_, [&](int block, int i) {
      W const* const k = kernel_ + shape_.offset(i);
      W* const partial = memory_.partial.at(block);
      if (columns && i == block * shape_.rows) column_sums::start(partial, shape_.padded);
      if (rows) {
        W const sum = line_sum<V>(scheme_, k, s.at(h - 1), shape_.padded);
        memory_.sum.at(h)[i] = sum;
        u[i] = line_next(scheme_, s.at(h - 2)[i], sum);
      }
      if (columns) column_sums::template add<V>(partial, k, u[i], shape_.padded);
    });
    if (columns) finish_columns(rows ? h + 1 : h);
  }

  void finish_columns(int h) const {
    auto const& s = memory_.scaling;
    for (int j = 0; j < shape_.padded; ++j) {
      W const old = s.at(h - 2)[j];
      W const sum = j < shape_.order ? column_sums::total(memory_.partial, shape_, j) : W(1);
      memory_.sum.at(h)[j] = sum;
      s.at(h)[j] = j < shape_.order ? line_next(scheme_, old, sum) : old;
    }
  }

  /// What a half-step passes on of the gradient x of its new scaling: returns what it spends, leaves in x what leaks.
  W spent(int h, int line, W& x) const {
    W const all = x;
    x = W(0);
    if constexpr (Scheme::forgets) {
      return all;
    } else {
      auto const d = line_derivative(scheme_, memory_.scaling.at(h - 2)[line], memory_.sum.at(h)[line]);
      x = d.leak * all;
      return d.slope * all;
    }
  }

  /// f and g: the marginals of G∘P.
  template <class Load>
  void start_back(Load&& load) const {
    memory_.partial.clear(shape_);
    for_rows(machine_, shape_, [&](int block, int i) {
      W *const x = memory_.stage.at(block, 0), *const p = memory_.stage.at(block, 1);
      load(i, x);
      plan_row(i, p);
      along_row<V>(0, shape_.padded, [&](int j) { access::store(access::load(x + j) * access::load(p + j), x + j); });
      memory_.f[i] = sum_along_row<V>(0, shape_.padded, [&](int j) { return access::load(x + j); });
      add_scaled<V>(memory_.partial.at(block), x, W(1), shape_.padded);
    });
    fill(memory_.g, shape_.padded, W(0));
    memory_.partial.template add_to<V>(memory_.g, shape_);
  }

  void spend_columns(int h) const {
    W* const spend = memory_.spend.at(h);
    fill(spend, shape_.padded, W(0));
    for (int j = 0; j < shape_.order; ++j) spend[j] = spent(h, j, memory_.g[j]);
  }

  /// The transpose of half-step hc of the columns (0: left out), then of half-step hr of the rows.
  void pass_back(int hc, int hr) const {
    memory_.partial.clear(shape_);
    for_rows(machine_, shape_, [&](int block, int i) {
      W* const entry = memory_.stage.at(block);
      if (hc > 0) {
        entries(i, hr, hc, entry);
        memory_.f[i] -= dot<V>(memory_.spend.at(hc), entry, shape_.padded);
      }
      memory_.spend.at(hr)[i] = spent(hr, i, memory_.f[i]);
      entries(i, hr, hr - 1, entry);
      add_scaled<V>(memory_.partial.at(block), entry, -memory_.spend.at(hr)[i], shape_.padded);
    });
    memory_.partial.template add_to<V>(memory_.g, shape_);
  }

  Machine const& machine_;
  Scheme const& scheme_;
  matrix_shape const& shape_;
  W const* kernel_;
  half_steps const& length_;
  iteration_memory<W> const& memory_;
};

}  // namespace mhc::detail

MHC_END_LANES
