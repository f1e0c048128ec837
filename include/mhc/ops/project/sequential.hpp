// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/project/types.hpp>
#include <mhc/ops/tiles.hpp>

namespace mhc::detail {

template <int N, class P, class T, int K>
void require_scalable([[maybe_unused]] char const* operation, [[maybe_unused]] P const& projection,
                      [[maybe_unused]] vector_view<T const, K> logits) {
  if constexpr (checks_masks<P, N, T>) projection.template require_scalable<N>(operation, logits.data, logits.size);
}

}  // namespace mhc::detail

namespace mhc::cpu {

template <class P, class T, int K, int N>
void project_impl(sequential_policy const&, P const& projection, vector_view<T const, K> logits,
                  batch_view<T, N> plan) {
  detail::require_scalable<N>("mhc::project", projection, logits);
  for (std::ptrdiff_t b = 0; b < plan.size; ++b) {
    auto const z = detail::load_row<math::vec<T, K>>(logits.data, b);
    detail::store_row(projection.template apply<N>(z), plan.data, b);
  }
}

template <class P, class T, int K, int N>
void project_report_impl(sequential_policy const&, P const& projection, vector_view<T const, K> logits,
                         batch_view<T, N> plan, vector_view<T, 3> report) {
  detail::require_scalable<N>("mhc::project", projection, logits);
  for (std::ptrdiff_t b = 0; b < plan.size; ++b) {
    auto const solved = projection.template solve<N>(detail::load_row<math::vec<T, K>>(logits.data, b));
    detail::store_row(solved.plan, plan.data, b);
    detail::store_row(detail::report_of(projection, solved), report.data, b);
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

template <class P, class T, int K, int N>
void project_vjp_vjp_impl(sequential_policy const&, P const& projection, vector_view<T const, K> logits,
                          batch_view<T const, N> plan, batch_view<T const, N> plan_gradient,
                          vector_view<T const, K> cotangent, batch_view<T, N> plan_gradient_cotangent,
                          vector_view<T, K> logits_cotangent) {
  for (std::ptrdiff_t b = 0; b < plan.size; ++b) {
    auto const z = detail::load_row<math::vec<T, K>>(logits.data, b);
    auto const p = detail::load_row<math::tile<T, N>>(plan.data, b);
    auto const g = detail::load_row<math::tile<T, N>>(plan_gradient.data, b);
    auto const second = projection.vjp_vjp(z, p, g, detail::load_row<math::vec<T, K>>(cotangent.data, b));
    detail::store_row(second.plan_gradient, plan_gradient_cotangent.data, b);
    detail::store_row(second.logits, logits_cotangent.data, b);
  }
}

}  // namespace mhc::cpu
