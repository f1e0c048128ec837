// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/project/types.hpp>
#include <mhc/ops/tiles.hpp>

namespace mhc::cpu {

template <class P, class T, int K, int N>
void project_impl(sequential_policy const&, P const& projection, vector_view<T const, K> logits,
                  batch_view<T, N> plan) {
  for (std::ptrdiff_t b = 0; b < plan.size; ++b) {
    auto const z = detail::load_row<math::vec<T, K>>(logits.data, b);
    detail::store_row(projection.template apply<N>(z), plan.data, b);
  }
}

template <class P, class T, int K, int N>
void project_report_impl(sequential_policy const&, P const& projection, vector_view<T const, K> logits,
                         batch_view<T, N> plan, vector_view<T, 3> report) {
  for (std::ptrdiff_t b = 0; b < plan.size; ++b) {
    auto const solved = projection.template solve<N>(detail::load_row<math::vec<T, K>>(logits.data, b));
    detail::store_row(solved.plan, plan.data, b);
    detail::store_row(detail::report_of(solved), report.data, b);
  }
}

template <class P, class T, int K, int N>
void project_vjp_impl(sequential_policy const&, P const& projection, vector_view<T const, K> logits,
                      batch_view<T const, N> plan, batch_view<T const, N> plan_gradient,
                      vector_view<T, K> logits_gradient) {
  for (std::ptrdiff_t b = 0; b < plan.size; ++b) {
    auto const z = detail::load_row<math::vec<T, K>>(logits.data, b);
    auto const p = detail::load_row<math::tile<T, N>>(plan.data, b);
    auto const g = detail::load_row<math::tile<T, N>>(plan_gradient.data, b);
    detail::store_row(projection.vjp(z, p, g), logits_gradient.data, b);
  }
}

template <class P, class T, int K, int N>
void project_jvp_impl(sequential_policy const&, P const& projection, vector_view<T const, K> logits,
                      batch_view<T const, N> plan, vector_view<T const, K> logits_tangent,
                      batch_view<T, N> plan_tangent) {
  for (std::ptrdiff_t b = 0; b < plan.size; ++b) {
    auto const z = detail::load_row<math::vec<T, K>>(logits.data, b);
    auto const p = detail::load_row<math::tile<T, N>>(plan.data, b);
    auto const d = detail::load_row<math::vec<T, K>>(logits_tangent.data, b);
    detail::store_row(projection.jvp(z, p, d), plan_tangent.data, b);
  }
}

}  // namespace mhc::cpu
