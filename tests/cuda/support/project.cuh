// SPDX-License-Identifier: MIT
#pragma once

#include "cuda/support/staged.cuh"

#include <mhc/ops/marginal_error/marginal_error.hpp>
#include <mhc/ops/project/project.hpp>

namespace mhc::test {

template <class P, class T, int K, int N>
void project_impl(device_policy const& policy, P const& projection, vector_view<T const, K> logits,
                  batch_view<T, N> plan) {
  staged on(policy);
  auto const z = on(logits);
  auto const p = on(plan);
  mhc::project(on.policy(), projection, z, p);
  on.finish();
}

template <class P, class T, int K, int N>
void project_report_impl(device_policy const& policy, P const& projection, vector_view<T const, K> logits,
                         batch_view<T, N> plan, vector_view<T, 3> report) {
  staged on(policy);
  auto const z = on(logits);
  auto const p = on(plan);
  auto const r = on(report);
  mhc::project(on.policy(), projection, z, p, r);
  on.finish();
}

template <class P, class T, int K, int N>
void project_vjp_impl(device_policy const& policy, P const& projection, vector_view<T const, K> logits,
                      batch_view<T const, N> plan, batch_view<T const, N> plan_gradient,
                      vector_view<T, K> logits_gradient) {
  staged on(policy);
  auto const z = on(logits);
  auto const p = on(plan), g = on(plan_gradient);
  auto const to = on(logits_gradient);
  mhc::project_vjp(on.policy(), projection, z, p, g, to);
  on.finish();
}

template <class P, class T, int K, int N>
void project_jvp_impl(device_policy const& policy, P const& projection, vector_view<T const, K> logits,
                      batch_view<T const, N> plan, vector_view<T const, K> logits_tangent,
                      batch_view<T, N> plan_tangent) {
  staged on(policy);
  auto const z = on(logits), d = on(logits_tangent);
  auto const p = on(plan);
  auto const to = on(plan_tangent);
  mhc::project_jvp(on.policy(), projection, z, p, d, to);
  on.finish();
}

template <class P, class T, int K, int N>
void project_vjp_vjp_impl(device_policy const& policy, P const& projection, vector_view<T const, K> logits,
                          batch_view<T const, N> plan, batch_view<T const, N> plan_gradient,
                          vector_view<T const, K> cotangent, batch_view<T, N> plan_gradient_cotangent,
                          vector_view<T, K> logits_cotangent) {
  staged on(policy);
  auto const z = on(logits), u = on(cotangent);
  auto const p = on(plan), g = on(plan_gradient);
  auto const to_g = on(plan_gradient_cotangent);
  auto const to_z = on(logits_cotangent);
  mhc::project_vjp_vjp(on.policy(), projection, z, p, g, u, to_g, to_z);
  on.finish();
}

template <class T, int N>
void marginal_error_impl(device_policy const& policy, batch_view<T const, N> plan, vector_view<T, 1> error) {
  staged on(policy);
  auto const p = on(plan);
  auto const e = on(error);
  mhc::marginal_error(on.policy(), p, e);
  on.finish();
}

}  // namespace mhc::test

#define MHC_PROJECTION_ON_DEVICE(P, T, K, N)                                                                      \
  namespace mhc::test {                                                                                           \
  template void project_impl(device_policy const&, P const&, vector_view<T const, K>, batch_view<T, N>);          \
  template void project_vjp_impl(device_policy const&, P const&, vector_view<T const, K>, batch_view<T const, N>, \
                                 batch_view<T const, N>, vector_view<T, K>);                                      \
  template void project_jvp_impl(device_policy const&, P const&, vector_view<T const, K>, batch_view<T const, N>, \
                                 vector_view<T const, K>, batch_view<T, N>);                                      \
  }
#define MHC_REPORT_ON_DEVICE(P, T, N)                                                                              \
  namespace mhc::test {                                                                                            \
  template void project_report_impl(device_policy const&, P const&, vector_view<T const, N * N>, batch_view<T, N>, \
                                    vector_view<T, 3>);                                                            \
  }
#define MHC_SECOND_DERIVATIVE_ON_DEVICE(P, T, N)                                                                  \
  namespace mhc::test {                                                                                           \
  template void project_vjp_vjp_impl(device_policy const&, P const&, vector_view<T const, N * N>,                 \
                                     batch_view<T const, N>, batch_view<T const, N>, vector_view<T const, N * N>, \
                                     batch_view<T, N>, vector_view<T, N * N>);                                    \
  }
#define MHC_MARGINAL_ERROR_ON_DEVICE(T, N)                                                            \
  namespace mhc::test {                                                                               \
  template void marginal_error_impl(device_policy const&, batch_view<T const, N>, vector_view<T, 1>); \
  }
