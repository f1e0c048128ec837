// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/project/types.hpp>

namespace mhc::cpu {

/// One matrix per lane, so that nothing in the maths is horizontal.
template <class Arch, bool Threads, class P, class T, int K, int N>
void project_impl(simd_policy<Arch, Threads> const& policy, P const& projection, vector_view<T const, K> logits,
                  batch_view<T, N> plan) {
  using V = detail::lanes<T, Arch>;
  for_each_group<detail::width<V>>(policy, plan.size, [&](std::ptrdiff_t first, std::ptrdiff_t n) {
    auto const z = detail::load_rows<math::vec<V, K>>(logits.data, first, n);
    detail::store_rows(projection.template apply<N>(z), plan.data, first, n);
  });
}

template <class Arch, bool Threads, class P, class T, int K, int N>
void project_report_impl(simd_policy<Arch, Threads> const& policy, P const& projection, vector_view<T const, K> logits,
                         batch_view<T, N> plan, vector_view<T, 3> report) {
  using V = detail::lanes<T, Arch>;
  for_each_group<detail::width<V>>(policy, plan.size, [&](std::ptrdiff_t first, std::ptrdiff_t n) {
    auto const solved = projection.template solve<N>(detail::load_rows<math::vec<V, K>>(logits.data, first, n));
    detail::store_rows(solved.plan, plan.data, first, n);
    detail::store_rows(detail::report_of(solved), report.data, first, n);
  });
}

template <class Arch, bool Threads, class P, class T, int K, int N>
void project_vjp_impl(simd_policy<Arch, Threads> const& policy, P const& projection, vector_view<T const, K> logits,
                      batch_view<T const, N> plan, batch_view<T const, N> plan_gradient,
                      vector_view<T, K> logits_gradient) {
  using V = detail::lanes<T, Arch>;
  for_each_group<detail::width<V>>(policy, plan.size, [&](std::ptrdiff_t first, std::ptrdiff_t n) {
    auto const z = detail::load_rows<math::vec<V, K>>(logits.data, first, n);
    auto const p = detail::load_rows<math::tile<V, N>>(plan.data, first, n);
    auto const g = detail::load_rows<math::tile<V, N>>(plan_gradient.data, first, n);
    detail::store_rows(projection.vjp(z, p, g), logits_gradient.data, first, n);
  });
}

template <class Arch, bool Threads, class P, class T, int K, int N>
void project_jvp_impl(simd_policy<Arch, Threads> const& policy, P const& projection, vector_view<T const, K> logits,
                      batch_view<T const, N> plan, vector_view<T const, K> logits_tangent,
                      batch_view<T, N> plan_tangent) {
  using V = detail::lanes<T, Arch>;
  for_each_group<detail::width<V>>(policy, plan.size, [&](std::ptrdiff_t first, std::ptrdiff_t n) {
    auto const z = detail::load_rows<math::vec<V, K>>(logits.data, first, n);
    auto const p = detail::load_rows<math::tile<V, N>>(plan.data, first, n);
    auto const d = detail::load_rows<math::vec<V, K>>(logits_tangent.data, first, n);
    detail::store_rows(projection.jvp(z, p, d), plan_tangent.data, first, n);
  });
}

}  // namespace mhc::cpu
