// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/project_matrix/sequential.hpp>
#include <mhc/projections/concepts.hpp>

#if !defined(__CUDACC__)
#  include <mhc/ops/project_matrix/simd.hpp>
#endif

#include <span>
#include <string>
#include <type_traits>

namespace mhc {

/// A projection of one matrix of any order. Satisfied by `sinkhorn` with a convention of the library,
/// by `entropic` and by `euclidean`.
template <class P>
concept matrix_projection = requires(P const p, detail::matrix_shape const shape) {
  detail::memory_for<double>(p, shape);
  detail::memory_for_vjp<double>(p, shape);
};

namespace detail {

template <class Policy, class... Args>
matrix_report project_matrix_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>,
                "mhc::project of a matrix_view: no backend for this execution policy in this translation unit");
  return {};
}
template <class Policy, class... Args>
void project_matrix_vjp_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>,
                "mhc::project_vjp of a matrix_view: no backend for this execution policy in this translation unit");
}

template <class W>
argument check_workspace(char const* operation, std::span<W> workspace, std::ptrdiff_t needed) {
  if (static_cast<std::ptrdiff_t>(workspace.size()) < needed) {
    refuse(operation,
           "workspace has " + std::to_string(workspace.size()) + " elements, expected " + std::to_string(needed));
  }
  return writes("workspace", workspace.data(), needed);
}

}  // namespace detail

/// Elements of the workspace of `project` for one matrix of this order: about n² for `sinkhorn`, 2n² for `entropic`
/// and `euclidean`.
///
/// @throws mhc::shape_error   order < 1
/// @throws mhc::option_error  an option of the projection is out of range
template <matrix_projection P>
std::ptrdiff_t project_workspace_size(P const& projection, int order) {
  detail::validate("mhc::project_workspace_size", projection);
  detail::check_order("mhc::project_workspace_size", "plan", order);
  return detail::memory_for<double>(projection, detail::matrix_shape(order));
}

/// Elements of the workspace of `project_vjp` for one matrix of this order: about n², and for the unrolled gradient
/// 6·n per iteration.
///
/// @throws mhc::shape_error   order < 1
/// @throws mhc::option_error  an option of the projection is out of range
template <matrix_projection P>
std::ptrdiff_t project_vjp_workspace_size(P const& projection, int order) {
  detail::validate("mhc::project_vjp_workspace_size", projection);
  detail::check_order("mhc::project_vjp_workspace_size", "plan", order);
  return detail::memory_for_vjp<double>(projection, detail::matrix_shape(order));
}

/// P = Π(Z) of one matrix of any order n, up to thousands.
///
/// The maths is that of `project` on batches of small matrices, vectorised along the rows. `sinkhorn` costs one pass
/// over a kernel of n² numbers per iteration; `entropic` as well as long as every iteration halves the error, and
/// 2n³/3 multiplications per Newton step after that; `euclidean` 2n³/3 to 4n³/3 per Newton step.
///
/// Shapes      logits, plan (n, n), n >= 1; workspace: project_workspace_size(projection, n) elements.
/// Units       logits in nats; plan dimensionless.
/// Result      computed in double, or in the element type where it holds more, and rounded once. The same bits for any
///             number of threads.
/// Range       any finite logits; −infinity is an entry that is 0.
/// Aliasing    no argument may overlap another.
/// Order       host policies return when done.
/// Memory      no allocation; the workspace is read and written, its contents are of no use afterwards.
/// Non-finite  a NaN or +infinity makes the plan NaN; converged is false.
///
/// @param projection  sinkhorn, entropic or euclidean, with its options
/// @return the marginal error reached and whether that is what the projection promises
/// @throws mhc::shape_error   the matrices do not fit together, or the workspace is too small; nothing is written
/// @throws mhc::option_error  an option of the projection is out of range; nothing is written
/// @see mhc::project for batches of matrices up to 16 x 16; mhc::project_vjp for the gradient
template <execution_policy Policy, matrix_projection P, scalar T>
  requires(!std::is_const_v<T>)
matrix_report project(Policy const& policy, P const& projection, std::type_identity_t<matrix_view<T const>> logits,
                      matrix_view<T> plan, std::type_identity_t<std::span<detail::working_t<T>>> workspace) {
  char const* const name = "mhc::project";
  detail::validate(name, projection);
  detail::check_order(name, "plan", plan.order);
  detail::check_order(name, "logits", logits.order, plan.order);
  auto const needed = detail::memory_for<double>(projection, detail::matrix_shape(plan.order));
  detail::check(name, {detail::reads("logits", logits), detail::writes("plan", plan),
                       detail::check_workspace(name, workspace, needed)});
  using detail::project_matrix_impl;
  return project_matrix_impl(policy, projection, logits, plan, workspace.data());
}

/// ∂loss/∂Z from G = ∂loss/∂P for one matrix of any order n.
///
/// `sinkhorn` with gradient::unrolled runs the iteration again, keeps the scalings of every half-step, and goes back
/// through them: as many passes as forward. With gradient::implicit, and for `entropic`, P∘(G − α⊕β) is solved with the
/// marginals that the plan has, on the Laplacian of its columns: 2n³/3 multiplications, without a subtraction.
/// `euclidean` is the same with the pattern of the plan in its place.
///
/// Shapes      logits, plan, plan_gradient, logits_gradient (n, n), n >= 1; workspace:
///             project_vjp_workspace_size(projection, n) elements.
/// Result      overwritten; computed in double, or in the element type where it holds more, and rounded once. The same
///             bits for any number of threads.
/// Aliasing    no argument may overlap another.
/// Order       host policies return when done.
/// Memory      no allocation; the contents of the workspace are of no use afterwards.
/// Non-finite  a NaN makes the gradient NaN.
///
/// @param plan           what `project` returned for these logits
/// @param plan_gradient  G
/// @throws mhc::shape_error   the matrices do not fit together, or the workspace is too small; nothing is written
/// @throws mhc::option_error  an option of the projection is out of range; nothing is written
/// @see mhc::project
template <execution_policy Policy, matrix_projection P, scalar U, scalar T = std::remove_const_t<U>>
void project_vjp(Policy const& policy, P const& projection, std::type_identity_t<matrix_view<T const>> logits,
                 matrix_view<U> plan, std::type_identity_t<matrix_view<T const>> plan_gradient,
                 std::type_identity_t<matrix_view<T>> logits_gradient,
                 std::type_identity_t<std::span<detail::working_t<T>>> workspace) {
  char const* const name = "mhc::project_vjp";
  detail::validate(name, projection);
  detail::check_order(name, "logits", logits.order);
  detail::check_order(name, "plan", plan.order, logits.order);
  detail::check_order(name, "plan_gradient", plan_gradient.order, logits.order);
  detail::check_order(name, "logits_gradient", logits_gradient.order, logits.order);
  auto const needed = detail::memory_for_vjp<double>(projection, detail::matrix_shape(plan.order));
  detail::check(
      name,
      {detail::reads("logits", logits), detail::reads("plan", plan), detail::reads("plan_gradient", plan_gradient),
       detail::writes("logits_gradient", logits_gradient), detail::check_workspace(name, workspace, needed)});
  using detail::project_matrix_vjp_impl;
  project_matrix_vjp_impl(policy, projection, logits, matrix_view<T const>(plan), plan_gradient, logits_gradient,
                          workspace.data());
}

}  // namespace mhc
