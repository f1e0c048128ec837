// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/ops/project_matrix/solve.hpp>

namespace mhc::cpu {

/// One row after another, one number at a time.
struct sequential_machine {
  template <class W>
  using vector = W;

  template <class F>
  void for_each(std::ptrdiff_t count, F&& f) const {
    for (std::ptrdiff_t i = 0; i < count; ++i) f(i);
  }
};

template <class P, class T, class W>
matrix_report project_matrix_impl(sequential_policy const&, P const& projection, matrix_view<T const> logits,
                                  matrix_view<T> plan, W* workspace) {
  return detail::solve(sequential_machine{}, projection, logits, plan, detail::scratch<W>{workspace});
}

template <class P, class T, class W>
void project_matrix_vjp_impl(sequential_policy const&, P const& projection, matrix_view<T const> logits,
                             matrix_view<T const> plan, matrix_view<T const> plan_gradient,
                             matrix_view<T> logits_gradient, W* workspace) {
  detail::solve_vjp(sequential_machine{}, projection, logits, plan, plan_gradient, logits_gradient,
                    detail::scratch<W>{workspace});
}

}  // namespace mhc::cpu
