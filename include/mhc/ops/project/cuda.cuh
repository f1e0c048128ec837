// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/tile.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/project/types.hpp>
#include <mhc/ops/rows.cuh>

namespace mhc::cuda {

/// One matrix per thread, in registers.
template <class T, int K, int N>
inline constexpr int longest_row = K > N* N ? K : N* N;

template <class P, class T, int K, int N>
__global__ void __launch_bounds__(detail::row_layout<T, longest_row<T, K, N>>::threads)
    project_kernel(P projection, vector_view<T const, K> logits, batch_view<T, N> plan) {
  detail::for_each_row<T, longest_row<T, K, N>>(plan.size, [&](auto const& rows) {
    auto const z = rows.template load<math::vec<T, K>>(logits.data);
    math::tile<T, N> p;
    if (rows.mine()) p = projection.template apply<N>(z);
    rows.store(p, plan.data);
  });
}

template <class P, class T, int K, int N>
__global__ void __launch_bounds__(detail::row_layout<T, longest_row<T, K, N>>::threads)
    project_report_kernel(P projection, vector_view<T const, K> logits, batch_view<T, N> plan,
                          vector_view<T, 3> report) {
  detail::for_each_row<T, longest_row<T, K, N>>(plan.size, [&](auto const& rows) {
    auto const z = rows.template load<math::vec<T, K>>(logits.data);
    math::tile<T, N> p;
    if (rows.mine()) {
      auto const solved = projection.template solve<N>(z);
      p = solved.plan;
      detail::store_row(detail::report_of(projection, solved), report.data, rows.row());
    }
    rows.store(p, plan.data);
  });
}

template <class P, class T, int K, int N>
__global__ void __launch_bounds__(detail::row_layout<T, longest_row<T, K, N>>::threads)
    project_vjp_kernel(P projection, vector_view<T const, K> logits, batch_view<T const, N> plan,
                       batch_view<T const, N> plan_gradient, vector_view<T, K> logits_gradient) {
  detail::for_each_row<T, longest_row<T, K, N>>(plan.size, [&](auto const& rows) {
    auto const z = rows.template load<math::vec<T, K>>(logits.data);
    auto const p = rows.template load<math::tile<T, N>>(plan.data);
    auto const g = rows.template load<math::tile<T, N>>(plan_gradient.data);
    math::vec<T, K> result;
    if (rows.mine()) result = projection.vjp(z, p, g);
    rows.store(result, logits_gradient.data);
  });
}

template <class P, class T, int K, int N>
__global__ void __launch_bounds__(detail::row_layout<T, longest_row<T, K, N>>::threads)
    project_jvp_kernel(P projection, vector_view<T const, K> logits, batch_view<T const, N> plan,
                       vector_view<T const, K> logits_tangent, batch_view<T, N> plan_tangent) {
  detail::for_each_row<T, longest_row<T, K, N>>(plan.size, [&](auto const& rows) {
    auto const z = rows.template load<math::vec<T, K>>(logits.data);
    auto const p = rows.template load<math::tile<T, N>>(plan.data);
    auto const d = rows.template load<math::vec<T, K>>(logits_tangent.data);
    math::tile<T, N> result;
    if (rows.mine()) result = projection.jvp(z, p, d);
    rows.store(result, plan_tangent.data);
  });
}

template <class P, class T, int K, int N>
__global__ void __launch_bounds__(detail::row_layout<T, longest_row<T, K, N>>::threads)
    project_vjp_vjp_kernel(P projection, vector_view<T const, K> logits, batch_view<T const, N> plan,
                           batch_view<T const, N> plan_gradient, vector_view<T const, K> cotangent,
                           batch_view<T, N> plan_gradient_cotangent, vector_view<T, K> logits_cotangent) {
  detail::for_each_row<T, longest_row<T, K, N>>(plan.size, [&](auto const& rows) {
    auto const z = rows.template load<math::vec<T, K>>(logits.data);
    auto const p = rows.template load<math::tile<T, N>>(plan.data);
    auto const g = rows.template load<math::tile<T, N>>(plan_gradient.data);
    auto const u = rows.template load<math::vec<T, K>>(cotangent.data);
    decltype(projection.vjp_vjp(z, p, g, u)) second;
    if (rows.mine()) second = projection.vjp_vjp(z, p, g, u);
    rows.store(second.plan_gradient, plan_gradient_cotangent.data);
    rows.store(second.logits, logits_cotangent.data);
  });
}

template <class P, class T, int K, int N>
void project_impl(policy const& where, P const& projection, vector_view<T const, K> logits, batch_view<T, N> plan) {
  detail::require_device_memory("mhc::project", "logits", logits.data, "plan", plan.data);
  detail::launch_over_rows<T, longest_row<T, K, N>>(where, "mhc::project", project_kernel<P, T, K, N>, plan.size,
                                                    projection, logits, plan);
}

template <class P, class T, int K, int N>
void project_report_impl(policy const& where, P const& projection, vector_view<T const, K> logits,
                         batch_view<T, N> plan, vector_view<T, 3> report) {
  detail::require_device_memory("mhc::project", "logits", logits.data, "plan", plan.data, "report", report.data);
  detail::launch_over_rows<T, longest_row<T, K, N>>(where, "mhc::project", project_report_kernel<P, T, K, N>, plan.size,
                                                    projection, logits, plan, report);
}

template <class P, class T, int K, int N>
void project_vjp_impl(policy const& where, P const& projection, vector_view<T const, K> logits,
                      batch_view<T const, N> plan, batch_view<T const, N> plan_gradient,
                      vector_view<T, K> logits_gradient) {
  detail::require_device_memory("mhc::project_vjp", "logits", logits.data, "plan", plan.data, "plan_gradient",
                                plan_gradient.data, "logits_gradient", logits_gradient.data);
  detail::launch_over_rows<T, longest_row<T, K, N>>(where, "mhc::project_vjp", project_vjp_kernel<P, T, K, N>,
                                                    plan.size, projection, logits, plan, plan_gradient,
                                                    logits_gradient);
}

template <class P, class T, int K, int N>
void project_jvp_impl(policy const& where, P const& projection, vector_view<T const, K> logits,
                      batch_view<T const, N> plan, vector_view<T const, K> logits_tangent,
                      batch_view<T, N> plan_tangent) {
  detail::require_device_memory("mhc::project_jvp", "logits", logits.data, "plan", plan.data, "logits_tangent",
                                logits_tangent.data, "plan_tangent", plan_tangent.data);
  detail::launch_over_rows<T, longest_row<T, K, N>>(where, "mhc::project_jvp", project_jvp_kernel<P, T, K, N>,
                                                    plan.size, projection, logits, plan, logits_tangent, plan_tangent);
}

template <class P, class T, int K, int N>
void project_vjp_vjp_impl(policy const& where, P const& projection, vector_view<T const, K> logits,
                          batch_view<T const, N> plan, batch_view<T const, N> plan_gradient,
                          vector_view<T const, K> cotangent, batch_view<T, N> plan_gradient_cotangent,
                          vector_view<T, K> logits_cotangent) {
  detail::require_device_memory("mhc::project_vjp_vjp", "logits", logits.data, "plan", plan.data, "plan_gradient",
                                plan_gradient.data, "cotangent", cotangent.data, "plan_gradient_cotangent",
                                plan_gradient_cotangent.data, "logits_cotangent", logits_cotangent.data);
  detail::launch_over_rows<T, longest_row<T, K, N>>(where, "mhc::project_vjp_vjp", project_vjp_vjp_kernel<P, T, K, N>,
                                                    plan.size, projection, logits, plan, plan_gradient, cotangent,
                                                    plan_gradient_cotangent, logits_cotangent);
}

}  // namespace mhc::cuda
