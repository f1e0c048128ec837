// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/project/sequential.hpp>
#include <mhc/ops/project/types.hpp>
#include <mhc/projections/concepts.hpp>

// The backends this translation unit can run; each adds overloads, none changes the text below.
#if defined(__CUDACC__)
#  include <mhc/ops/project/cuda.cuh>
#else
#  include <mhc/ops/project/simd.hpp>
#endif

#include <type_traits>

namespace mhc {

namespace detail {

// Reached only when argument-dependent lookup finds no overload for the policy: say so in words, do not fall back.
template <class Policy, class... Args>
void project_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>, "mhc::project: no backend for this execution policy in this translation unit");
}
template <class Policy, class... Args>
void project_report_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>,
                "mhc::project with a report: no backend for this execution policy in this translation unit");
}
template <class Policy, class... Args>
void project_vjp_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>,
                "mhc::project_vjp: no backend for this execution policy in this translation unit");
}
template <class Policy, class... Args>
void project_jvp_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>,
                "mhc::project_jvp: no backend for this execution policy in this translation unit");
}

template <class Policy, class... Args>
void project_vjp_vjp_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>,
                "mhc::project_vjp_vjp: no backend for this execution policy in this translation unit");
}

}  // namespace detail

/// Maps every vector of logits to its H_res: P = Π(Z). What Π is, the projection says: for the Birkhoff polytope
/// `sinkhorn` (a fixed number of Sinkhorn–Knopp iterations) or `entropic` (their limit, by Newton).
///
/// Shapes      logits (B, K), plan (B, N, N); K = P::logits<N>; B >= 0.
/// Units       logits in nats; plan dimensionless, in [0, 1] for doubly stochastic projections.
/// Result      rows sum to 1 within N·eps; columns within the truncation error of `sinkhorn`, and within 2·N·eps for
///             `entropic`.
/// Range       any finite logits: matrices whose logits are spread too wide for exp are computed in the log domain.
/// Aliasing    plan may be logits where K = N·N (in place); partial overlap is refused.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  a NaN or +infinity in one vector of logits makes that matrix NaN and no other. −infinity makes an entry 0;
///             for `entropic` the other entries then have to be possible (see there).
///
/// @param policy      where and how to run: mhc::seq, mhc::simd, mhc::simd.with_threads(k)
/// @param projection  which map, with its options
/// @param logits      unconstrained scores Z
/// @param plan        receives P
/// @throws mhc::shape_error   the views do not fit together; nothing is written
/// @throws mhc::option_error  an option of the projection is out of range; nothing is written
/// @throws mhc::scaling_error  −infinities leave a matrix no scaling, with `entropic` on the host; nothing is written
/// @see mHC, arXiv:2512.24880, eq. 8–9.
/// @see mhc::project_vjp, mhc::project_jvp for the derivatives, mhc::marginal_error for the distance reached.
template <execution_policy Policy, class P, scalar T, int N>
  requires(projection_onto<P, N> && !std::is_const_v<T>)
void project(Policy const& policy, P const& projection,
             std::type_identity_t<vector_view<T const, logits_of<P, N>>> logits, batch_view<T, N> plan) {
  detail::validate("mhc::project", projection);
  detail::check("mhc::project", {detail::reads("logits", logits), detail::writes("plan", plan).in_place_of("logits")});
  using detail::project_impl;
  project_impl(policy, projection, logits, plan);
}

/// `project` by an iterative solver, with a report per matrix: the marginal error reached, the number of steps, and
/// whether they were enough (`report_column`).
///
/// Shapes      logits (B, K), plan (B, N, N), report (B, 3).
/// Result      plan as from `project`, bit for bit.
/// Aliasing    plan may be logits where K = N·N; other overlap is refused.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  a NaN or +infinity in one vector of logits makes that matrix and its error NaN, converged 0.
///
/// @throws mhc::shape_error   the views do not fit together; nothing is written
/// @throws mhc::option_error  an option of the projection is out of range; nothing is written
/// @throws mhc::scaling_error  −infinities leave a matrix no scaling, with `entropic` on the host; nothing is written
template <execution_policy Policy, class P, scalar T, int N>
  requires(projection_onto<P, N> && !std::is_const_v<T>)
void project(Policy const& policy, P const& projection,
             std::type_identity_t<vector_view<T const, logits_of<P, N>>> logits, batch_view<T, N> plan,
             std::type_identity_t<vector_view<T, 3>> report) {
  detail::validate("mhc::project", projection);
  detail::check("mhc::project", {detail::reads("logits", logits), detail::writes("plan", plan).in_place_of("logits"),
                                 detail::writes("report", report)});
  using detail::project_report_impl;
  project_report_impl(policy, projection, logits, plan, report);
}

/// ∂loss/∂Z from G = ∂loss/∂P: the transposed Jacobian of `project` applied to G.
///
/// `sinkhorn` with gradient::unrolled differentiates the finite iteration that the forward pass ran (the scalings are
/// run again; memory grows with the square root of the iterations); with gradient::implicit it solves
/// P∘(G − α⊕β) with the marginals that the plan has. `entropic` is always implicit.
///
/// Shapes      logits, logits_gradient (B, K), plan, plan_gradient (B, N, N).
/// Result      overwritten. Rows and columns of ∂loss/∂Z sum to 0 for `entropic`, columns for `sinkhorn`.
/// Aliasing    logits_gradient may be plan_gradient where K = N·N; other overlap is refused.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation; 3·32·N lanes of stack for the unrolled gradient.
/// Non-finite  a NaN stays in its own matrix.
///
/// @param plan           what `project` returned for these logits
/// @param plan_gradient  G
/// @throws mhc::shape_error   the views do not fit together; nothing is written
/// @throws mhc::option_error  an option of the projection is out of range; nothing is written
/// @see G. Luise et al., arXiv:1805.11897 for the implicit form.
template <execution_policy Policy, class P, scalar U, int N, scalar T = std::remove_const_t<U>>
  requires projection_onto<P, N>
void project_vjp(Policy const& policy, P const& projection,
                 std::type_identity_t<vector_view<T const, logits_of<P, N>>> logits, batch_view<U, N> plan,
                 std::type_identity_t<batch_view<T const, N>> plan_gradient,
                 std::type_identity_t<vector_view<T, logits_of<P, N>>> logits_gradient) {
  detail::validate("mhc::project_vjp", projection);
  detail::check("mhc::project_vjp", {detail::reads("logits", logits), detail::reads("plan", plan),
                                     detail::reads("plan_gradient", plan_gradient),
                                     detail::writes("logits_gradient", logits_gradient).in_place_of("plan_gradient")});
  using detail::project_vjp_impl;
  project_vjp_impl(policy, projection, logits, batch_view<T const, N>(plan), plan_gradient, logits_gradient);
}

/// δP from δZ: the Jacobian of `project` applied to a tangent of the logits.
///
/// Shapes      logits, logits_tangent (B, K), plan, plan_tangent (B, N, N).
/// Result      overwritten; differentiates the same function as `project_vjp` with the same projection.
/// Aliasing    plan_tangent may be logits_tangent where K = N·N; other overlap is refused.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  a NaN stays in its own matrix.
///
/// @param plan  what `project` returned for these logits
/// @throws mhc::shape_error   the views do not fit together; nothing is written
/// @throws mhc::option_error  an option of the projection is out of range; nothing is written
template <execution_policy Policy, class P, scalar U, int N, scalar T = std::remove_const_t<U>>
  requires projection_onto<P, N>
void project_jvp(Policy const& policy, P const& projection,
                 std::type_identity_t<vector_view<T const, logits_of<P, N>>> logits, batch_view<U, N> plan,
                 std::type_identity_t<vector_view<T const, logits_of<P, N>>> logits_tangent,
                 std::type_identity_t<batch_view<T, N>> plan_tangent) {
  detail::validate("mhc::project_jvp", projection);
  detail::check("mhc::project_jvp", {detail::reads("logits", logits), detail::reads("plan", plan),
                                     detail::reads("logits_tangent", logits_tangent),
                                     detail::writes("plan_tangent", plan_tangent).in_place_of("logits_tangent")});
  using detail::project_jvp_impl;
  project_jvp_impl(policy, projection, logits, batch_view<T const, N>(plan), logits_tangent, plan_tangent);
}

/// The vjp of `project_vjp`, for losses that contain a gradient: with L = ∂loss/∂Z as `project_vjp` returns it, and U the
/// cotangent of L, the gradients of ⟨U, L⟩ with respect to G and to Z,
///   J U = P∘E_U   and   D²P[G, U] = Π_P(P∘E_G∘E_U),   E_X = X − α_X⊕β_X.
/// D²P[G, U] is the second derivative of the projection as well, symmetric in G and U.
///
/// Shapes      logits, cotangent, logits_cotangent (B, K), plan, plan_gradient, plan_gradient_cotangent (B, N, N).
/// Result      overwritten; exact, as `project_vjp` is. Rows and columns of both sum to 0.
/// Aliasing    plan_gradient_cotangent may be plan_gradient, logits_cotangent may be cotangent; other overlap is refused.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  a NaN stays in its own matrix.
///
/// @param plan                     what `project` returned for these logits
/// @param plan_gradient            G, as it went into `project_vjp`
/// @param cotangent                U
/// @param plan_gradient_cotangent  receives J U
/// @param logits_cotangent         receives D²P[G, U]
/// @throws mhc::shape_error   the views do not fit together; nothing is written
/// @throws mhc::option_error  an option of the projection is out of range; nothing is written
/// @see docs/maths.md, analytic gradient
template <execution_policy Policy, class P, scalar U, int N, scalar T = std::remove_const_t<U>>
  requires(projection_onto<P, N> && twice_differentiable<P, N>)
void project_vjp_vjp(Policy const& policy, P const& projection,
                     std::type_identity_t<vector_view<T const, logits_of<P, N>>> logits, batch_view<U, N> plan,
                     std::type_identity_t<batch_view<T const, N>> plan_gradient,
                     std::type_identity_t<vector_view<T const, logits_of<P, N>>> cotangent,
                     std::type_identity_t<batch_view<T, N>> plan_gradient_cotangent,
                     std::type_identity_t<vector_view<T, logits_of<P, N>>> logits_cotangent) {
  detail::validate("mhc::project_vjp_vjp", projection);
  detail::check("mhc::project_vjp_vjp",
                {detail::reads("logits", logits), detail::reads("plan", plan),
                 detail::reads("plan_gradient", plan_gradient), detail::reads("cotangent", cotangent),
                 detail::writes("plan_gradient_cotangent", plan_gradient_cotangent).in_place_of("plan_gradient"),
                 detail::writes("logits_cotangent", logits_cotangent).in_place_of("cotangent")});
  using detail::project_vjp_vjp_impl;
  project_vjp_vjp_impl(policy, projection, logits, batch_view<T const, N>(plan), plan_gradient, cotangent,
                       plan_gradient_cotangent, logits_cotangent);
}

}  // namespace mhc
