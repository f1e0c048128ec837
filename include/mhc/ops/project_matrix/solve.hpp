// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/ops/project_matrix/derivative.hpp>
#include <mhc/ops/project_matrix/euclidean.hpp>
#include <mhc/ops/project_matrix/iteration.hpp>
#include <mhc/ops/project_matrix/kernel.hpp>
#include <mhc/ops/project_matrix/newton.hpp>
#include <mhc/projections/entropic.hpp>
#include <mhc/projections/euclidean.hpp>
#include <mhc/projections/sinkhorn.hpp>

#include <limits>
#include <type_traits>

/// @file
/// What each projection does with one large matrix, on any `Machine`, and how much memory that takes.

MHC_BEGIN_LANES

namespace mhc::detail {

template <class W>
constexpr W rounding_of(int n) {
  return static_cast<W>(n) * std::numeric_limits<W>::epsilon();
}

/// Numbers that a Memory takes.
template <class Memory, class W, class... Args>
std::ptrdiff_t size_of(matrix_shape const& shape, Args const&... args) {
  scratch<W> memory;
  Memory(memory, shape, args...);
  return memory.used;
}

// Sinkhorn ------------------------------------------------------------------------------------------------------------

inline half_steps half_steps_of(kernel_recipe const& recipe, int iterations) {
  return {recipe.ends_with_first ? 2 * iterations - 1 : 2 * iterations, recipe.rows_first};
}

template <class W>
struct sinkhorn_memory {
  W* kernel;
  iteration_memory<W> iteration;

  template <class C>
  sinkhorn_memory(scratch<W>& memory, matrix_shape const& shape, sinkhorn<C> const& p, bool backward)
      : kernel(memory.take(shape.square())),
        iteration(memory, shape, half_steps_of(recipe_of(p.convention), p.iterations), backward) {}
};

/// f(iteration) in the domain that the logits need.
template <class Machine, class T, class W, class C, class F>
void with_iteration(Machine const& machine, matrix_shape const& shape, sinkhorn<C> const& projection,
                    matrix_view<T const> logits, sinkhorn_memory<W> const& memory, F&& f) {
  auto const recipe = recipe_of(projection.convention);
  auto const length = half_steps_of(recipe, projection.iterations);
  auto const run = [&](auto const& scheme) {
    matrix_iteration const iteration(machine, scheme, shape, memory.kernel, length, memory.iteration);
    iteration.run();
    f(iteration);
  };
  auto const rule = rule_of(projection.convention);
  using rule_type = std::remove_const_t<decltype(rule)>;
  math::scalings<rule_type> const scalings{rule};
  if (recipe.softmax) {
    load_softmax_kernel(machine, shape, recipe, oriented<T const>{logits}, memory.kernel);
    run(scalings);
    return;
  }
  bool const wide =
      load_log_kernel(machine, shape, recipe, oriented<T const>{logits}, memory.kernel, memory.iteration.partial);
  if constexpr (requires(W w) { rule.next_log(w, w); }) {
    if (wide) return run(math::potentials<rule_type>{rule});
  }
  exponentiate_all(machine, shape, memory.kernel);
  run(scalings);
}

template <class Machine, class T, class W, class C>
matrix_report solve(Machine const& machine, sinkhorn<C> const& projection, matrix_view<T const> logits,
                    matrix_view<T> plan, scratch<W> workspace) {
  matrix_shape const shape(plan.order);
  sinkhorn_memory<W> const memory(workspace, shape, projection, false);
  oriented<T> const out{plan, recipe_of(projection.convention).plan_is_transposed};
  double error = 0;
  with_iteration(machine, shape, projection, logits, memory, [&](auto const& iteration) {
    auto const& m = memory.iteration;
    error = static_cast<double>(marginal_error_of(machine, shape, m.partial, m.g, m.f, [&](int block, int i) {
      W* const row = m.stage.at(block);
      iteration.plan_row(i, row);
      out.store(i, row);
      return row;
    }));
  });
  return {error, projection.iterations, error <= static_cast<double>(rounding_of<W>(shape.order))};
}

template <class Machine, class T, class W>
W marginal_error_of(Machine const& machine, matrix_shape const& shape, matrix_view<T const> plan,
                    derivative_memory<W> const& memory) {
  return marginal_error_of(machine, shape, memory.partial, memory.graph.right, memory.graph.inverse,
                           [&](int block, int i) {
                             W* const row = memory.stage.at(block);
                             oriented<T const>{plan}.load(i, row, shape.padded);
                             return row;
                           });
}

template <class Machine, class T, class W, class C>
void solve_vjp(Machine const& machine, sinkhorn<C> const& projection, matrix_view<T const> logits,
               matrix_view<T const> plan, matrix_view<T const> plan_gradient, matrix_view<T> logits_gradient,
               scratch<W> workspace) {
  using V = vector_of<Machine, W>;
  matrix_shape const shape(plan.order);
  auto const recipe = recipe_of(projection.convention);
  oriented<T const> const z{logits}, p{plan, recipe.plan_is_transposed}, g{plan_gradient, recipe.plan_is_transposed};
  oriented<T> const out{logits_gradient};
  auto const store = [&](int i, W* row, W* room) {
    pull_row<V>(recipe, z, i, row, room, shape.padded);
    out.store(i, row);
  };
  if (projection.gradient != gradient::unrolled) {
    auto memory = workspace;
    derivative_memory<W> const m(memory, shape);
    W const converged = W(16) * static_cast<W>(shape.order) * static_cast<W>(std::numeric_limits<T>::epsilon());
    if (projection.gradient == gradient::implicit || marginal_error_of(machine, shape, plan, m) <= converged) {
      return implicit_derivative_of(
          machine, shape, m, connected_graph{shape.order - 1}, [&](int i, W* row) { p.load(i, row, shape.padded); },
          [&](int i, W* row) { g.load(i, row, shape.padded); },
          [&](int block, int i, W* row) { store(i, row, m.stage.at(block, 2)); });
    }
  }
  sinkhorn_memory<W> const memory(workspace, shape, projection, true);
  auto const load_g = [&](int i, W* row) { g.load(i, row, shape.padded); };
  with_iteration(machine, shape, projection, logits, memory, [&](auto const& iteration) {
    iteration.run_back(load_g);
    for_rows(machine, shape, [&](int block, int i) {
      W *const row = memory.iteration.stage.at(block, 0), *const room = memory.iteration.stage.at(block, 1);
      load_g(i, row);
      iteration.gradient_row(i, row, room);
      store(i, row, room);
    });
  });
}

template <class W, matrix_convention C>
std::ptrdiff_t memory_for(sinkhorn<C> const& projection, matrix_shape const& shape) {
  return size_of<sinkhorn_memory<W>, W>(shape, projection, false);
}
template <class W, matrix_convention C>
std::ptrdiff_t memory_for_vjp(sinkhorn<C> const& projection, matrix_shape const& shape) {
  auto const implicit = size_of<derivative_memory<W>, W>(shape);
  auto const unrolled = size_of<sinkhorn_memory<W>, W>(shape, projection, true);
  if (projection.gradient == gradient::implicit) return implicit;
  if (projection.gradient == gradient::unrolled) return unrolled;
  return implicit > unrolled ? implicit : unrolled;
}

// Entropic and Euclidean ----------------------------------------------------------------------------------------------

template <class Machine, class T, class W>
matrix_report solve(Machine const& machine, entropic const& projection, matrix_view<T const> logits,
                    matrix_view<T> plan, scratch<W> workspace) {
  matrix_shape const shape(plan.order);
  newton_memory<W> const memory(workspace, shape);
  matrix_newton<Machine, T, W> const newton(machine, shape, logits, memory);
  W const tolerance = projection.tolerance > 0 ? static_cast<W>(projection.tolerance) : rounding_of<W>(shape.order);
  auto const report = newton.run(tolerance, projection.max_iterations);
  for_rows(machine, shape, [&](int, int i) { oriented<T>{plan}.store(i, memory.plan + shape.offset(i)); });
  return report;
}

template <class Machine, class T, class W>
matrix_report solve(Machine const& machine, euclidean const& projection, matrix_view<T const> logits,
                    matrix_view<T> plan, scratch<W> workspace) {
  matrix_shape const shape(plan.order);
  euclidean_memory<W> const memory(workspace, shape);
  matrix_euclidean<Machine, T, W> const newton(machine, shape, logits, memory);
  W const tolerance =
      projection.tolerance > 0 ? static_cast<W>(projection.tolerance) : W(2) * rounding_of<W>(shape.order);
  return newton.run(tolerance, projection.max_iterations, oriented<T>{plan});
}

/// P∘(G − α⊕β); of `euclidean` with the pattern Ω of the plan for P.
template <class Machine, class P, class T, class W>
void solve_vjp(Machine const& machine, P const&, matrix_view<T const>, matrix_view<T const> plan,
               matrix_view<T const> plan_gradient, matrix_view<T> logits_gradient, scratch<W> workspace) {
  constexpr bool in_pieces = std::is_same_v<P, euclidean>;
  matrix_shape const shape(plan.order);
  derivative_memory<W> const memory(workspace, shape);
  std::conditional_t<in_pieces, graph_in_pieces, connected_graph> const graph{shape.order - 1};
  implicit_derivative_of(
      machine, shape, memory, graph,
      [&](int i, W* row) {
        oriented<T const>{plan}.load(i, row, shape.padded);
        if constexpr (in_pieces)
          for (int j = 0; j < shape.order; ++j) row[j] = row[j] > W(0) ? W(1) : W(0);
      },
      [&](int i, W* row) { oriented<T const>{plan_gradient}.load(i, row, shape.padded); },
      [&](int, int i, W const* row) { oriented<T>{logits_gradient}.store(i, row); });
}

template <class W>
std::ptrdiff_t memory_for(entropic const&, matrix_shape const& shape) {
  return size_of<newton_memory<W>, W>(shape);
}
template <class W>
std::ptrdiff_t memory_for(euclidean const&, matrix_shape const& shape) {
  return size_of<euclidean_memory<W>, W>(shape);
}
template <class W, class P>
  requires(std::is_same_v<P, entropic> || std::is_same_v<P, euclidean>)
std::ptrdiff_t memory_for_vjp(P const&, matrix_shape const& shape) {
  return size_of<derivative_memory<W>, W>(shape);
}

}  // namespace mhc::detail

MHC_END_LANES
