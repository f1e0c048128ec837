// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/geometry/matrix.hpp>
#include <mhc/geometry/membership.hpp>
#include <mhc/math/tangent.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <type_traits>

/// @file
/// The manifold of positive doubly stochastic matrices with the Fisher metric ⟨U, V⟩_P = Σ U_ij V_ij / P_ij, batch by
/// batch, on the host. For one matrix in registers, on the host or a device, see <mhc/math/tangent.hpp>.
///
/// @see A. Douik, B. Hassibi, Manifold optimization over the set of doubly stochastic matrices: a second-order
///      geometry, IEEE Trans. Signal Process. 67 (2019) 5761–5774, arXiv:1802.02628.

namespace mhc {

/// (n−1)²: the n² entries obey 2n equations, one of which follows from the others.
constexpr int manifold_dimension(int order) { return (order - 1) * (order - 1); }

/// Is the matrix tangent to the manifold: every row and column sum within the tolerance of 0? The tangent space is the
/// same at every point.
///
/// Shapes      tangent (n, n), in host memory.
/// Result      converts to bool; sums are taken in double, or in the element type where it holds more.
/// Memory      no allocation, except for the message.
/// Non-finite  a NaN or infinite entry is a violation.
///
/// @param tolerance  absolute; 0 stands for 4·n·eps of the element type times the largest magnitude
/// @throws mhc::shape_error   tangent is null, misaligned or empty
/// @throws mhc::option_error  tolerance is negative or NaN
template <scalar T>
membership is_tangent(matrix_view<T> tangent, double tolerance = 0) {
  detail::check_matrix("mhc::is_tangent", "tangent", tangent);
  detail::check_tolerance("mhc::is_tangent", tolerance);
  double largest = 0;
  auto const entries = detail::check_entries(tangent, "a finite number", 0, [&](double x) {
    largest = std::max(largest, std::abs(x));
    return std::isfinite(x);
  });
  if (tolerance == 0) tolerance = detail::rounding_tolerance<T>(tangent.order) * largest;
  return entries ? detail::check_sums(tangent, 0, "0", tolerance) : entries;
}

/// ⟨U, V⟩_P of the Fisher metric, Σ_ij U_ij V_ij / P_ij.
///
/// Shapes      plan, u, v (B, N, N), inner (B, 1), in host memory.
/// Result      computed in double. Symmetric and bilinear; u and v need not be tangent.
/// Aliasing    inner must not overlap another argument.
/// Memory      no allocation.
/// Non-finite  a NaN stays with its own matrix; so does a zero of the plan.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
template <scalar U, int N, scalar T = std::remove_const_t<U>>
void fisher_inner(batch_view<U, N> plan, std::type_identity_t<batch_view<T const, N>> u,
                  std::type_identity_t<batch_view<T const, N>> v, std::type_identity_t<vector_view<T, 1>> inner) {
  detail::check("mhc::fisher_inner", {detail::reads("plan", plan), detail::reads("u", u), detail::reads("v", v),
                                      detail::writes("inner", inner)});
  for (std::ptrdiff_t b = 0; b < plan.size; ++b)
    inner(b, 0) = static_cast<T>(math::fisher_inner(detail::load(plan, b), detail::load(u, b), detail::load(v, b)));
}

/// ‖U‖_P = √⟨U, U⟩_P.
///
/// Shapes      plan, u (B, N, N), norm (B, 1), in host memory.
/// Result      computed in double.
/// Aliasing    norm must not overlap another argument.
/// Memory      no allocation.
/// Non-finite  a NaN stays with its own matrix.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
template <scalar U, int N, scalar T = std::remove_const_t<U>>
void fisher_norm(batch_view<U, N> plan, std::type_identity_t<batch_view<T const, N>> u,
                 std::type_identity_t<vector_view<T, 1>> norm) {
  detail::check("mhc::fisher_norm", {detail::reads("plan", plan), detail::reads("u", u), detail::writes("norm", norm)});
  for (std::ptrdiff_t b = 0; b < plan.size; ++b)
    norm(b, 0) = static_cast<T>(math::fisher_norm(detail::load(plan, b), detail::load(u, b)));
}

/// Π_P(M) = M − P∘(α⊕β): the tangent nearest to M in the Fisher metric at P.
///
/// Shapes      plan, matrix, tangent (B, N, N), in host memory.
/// Result      computed in double, with the marginals that the plan has. Linear in M, idempotent, self-adjoint in the
///             Fisher metric; zero exactly for M = P∘(a⊕b).
/// Range       zeros in the plan are allowed as long as no group of rows and columns is cut off from the others.
/// Aliasing    tangent may be matrix (in place); other overlap is refused.
/// Memory      no allocation.
/// Non-finite  a NaN stays in its own matrix.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
/// @see mhc::project_vjp, which is the same map applied to P∘G.
template <scalar U, int N, scalar T = std::remove_const_t<U>>
void tangent_projection(batch_view<U, N> plan, std::type_identity_t<batch_view<T const, N>> matrix,
                        std::type_identity_t<batch_view<T, N>> tangent) {
  detail::check("mhc::tangent_projection", {detail::reads("plan", plan), detail::reads("matrix", matrix),
                                            detail::writes("tangent", tangent).in_place_of("matrix")});
  for (std::ptrdiff_t b = 0; b < plan.size; ++b)
    detail::store(math::tangent_projection(detail::load(plan, b), detail::load(matrix, b)), tangent, b);
}

/// grad f = Π_P(P∘G): the tangent with ⟨grad f, U⟩_P = Σ G_ij U_ij for every tangent U.
///
/// Shapes      plan, plan_gradient, gradient (B, N, N), in host memory.
/// Result      computed in double.
/// Aliasing    gradient may be plan_gradient (in place); other overlap is refused.
/// Memory      no allocation.
/// Non-finite  a NaN stays in its own matrix.
///
/// @param plan_gradient  the Euclidean gradient G = ∂f/∂P
/// @throws mhc::shape_error  the views do not fit together; nothing is written
/// @see mhc::retract for the step along it.
template <scalar U, int N, scalar T = std::remove_const_t<U>>
void riemannian_gradient(batch_view<U, N> plan, std::type_identity_t<batch_view<T const, N>> plan_gradient,
                         std::type_identity_t<batch_view<T, N>> gradient) {
  detail::check("mhc::riemannian_gradient", {detail::reads("plan", plan), detail::reads("plan_gradient", plan_gradient),
                                             detail::writes("gradient", gradient).in_place_of("plan_gradient")});
  for (std::ptrdiff_t b = 0; b < plan.size; ++b)
    detail::store(math::riemannian_gradient(detail::load(plan, b), detail::load(plan_gradient, b)), gradient, b);
}

/// Hess f[U] = Π_P(P∘H + ½ grad f∘U/P), of the Levi-Civita connection of the Fisher metric.
///
/// Shapes      plan, gradient, plan_hessian, tangent, hessian (B, N, N), in host memory.
/// Result      computed in double. Linear in the tangent, self-adjoint in the Fisher metric.
/// Aliasing    hessian may be plan_hessian (in place); other overlap is refused.
/// Memory      no allocation.
/// Non-finite  a NaN stays in its own matrix.
///
/// @param gradient      what `riemannian_gradient` returned
/// @param plan_hessian  H = D(∂f/∂P)[U], the Euclidean Hessian applied to the tangent
/// @param tangent       U
/// @throws mhc::shape_error  the views do not fit together; nothing is written
/// @see mhc::retract_second_order, along which f is ⟨grad f, U⟩ + ½⟨Hess f[U], U⟩ to third order.
template <scalar U, int N, scalar T = std::remove_const_t<U>>
void riemannian_hessian(batch_view<U, N> plan, std::type_identity_t<batch_view<T const, N>> gradient,
                        std::type_identity_t<batch_view<T const, N>> plan_hessian,
                        std::type_identity_t<batch_view<T const, N>> tangent,
                        std::type_identity_t<batch_view<T, N>> hessian) {
  detail::check(
      "mhc::riemannian_hessian",
      {detail::reads("plan", plan), detail::reads("gradient", gradient), detail::reads("plan_hessian", plan_hessian),
       detail::reads("tangent", tangent), detail::writes("hessian", hessian).in_place_of("plan_hessian")});
  for (std::ptrdiff_t b = 0; b < plan.size; ++b) {
    detail::store(math::riemannian_hessian(detail::load(plan, b), detail::load(gradient, b),
                                           detail::load(plan_hessian, b), detail::load(tangent, b)),
                  hessian, b);
  }
}

}  // namespace mhc
