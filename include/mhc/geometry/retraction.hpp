// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/geometry/matrix.hpp>
#include <mhc/math/retraction.hpp>

#include <cstddef>
#include <type_traits>

/// @file
/// Moving on the manifold of positive doubly stochastic matrices, batch by batch, on the host. For one matrix in
/// registers, on the host or a device, see <mhc/math/retraction.hpp>.
///
/// @see S. Amari, H. Nagaoka, Methods of Information Geometry, AMS 2000: dual connections, chapter 3.

namespace mhc {

/// Q = R_P(U): the entropic projection of log P + U/P, the exponential connection's geodesic from P along U at t = 1.
///
/// Shapes      plan, tangent, next (B, N, N), in host memory.
/// Result      computed in double: doubly stochastic to rounding. Agrees with P + U to first order.
/// Range       any U, tangent or not: R_P(U) = R_P(Π_P U), and no step is too long. The plan must be positive.
/// Aliasing    next may be plan (in place); other overlap is refused.
/// Memory      no allocation.
/// Non-finite  a NaN stays in its own matrix.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
/// @see mhc::inverse_retract
/// @see P.-A. Absil, R. Mahony, R. Sepulchre, Optimization Algorithms on Matrix Manifolds (2008), §4.1.
template <scalar U, int N, scalar T = std::remove_const_t<U>>
void retract(batch_view<U, N> plan, std::type_identity_t<batch_view<T const, N>> tangent,
             std::type_identity_t<batch_view<T, N>> next) {
  detail::check("mhc::retract", {detail::reads("plan", plan), detail::reads("tangent", tangent),
                                 detail::writes("next", next).in_place_of("plan")});
  for (std::ptrdiff_t b = 0; b < plan.size; ++b)
    detail::store(math::retract(detail::load(plan, b), detail::load(tangent, b)), next, b);
}

/// The tangent U with R_P(U) = Q: Π_P(P∘log(Q/P)), exactly.
///
/// Shapes      plan, next, tangent (B, N, N), in host memory.
/// Result      computed in double.
/// Range       plan and next must be positive.
/// Aliasing    tangent may be next (in place); other overlap is refused.
/// Memory      no allocation.
/// Non-finite  a NaN stays in its own matrix.
///
/// @param next  Q
/// @throws mhc::shape_error  the views do not fit together; nothing is written
template <scalar U, int N, scalar T = std::remove_const_t<U>>
void inverse_retract(batch_view<U, N> plan, std::type_identity_t<batch_view<T const, N>> next,
                     std::type_identity_t<batch_view<T, N>> tangent) {
  detail::check("mhc::inverse_retract", {detail::reads("plan", plan), detail::reads("next", next),
                                         detail::writes("tangent", tangent).in_place_of("next")});
  for (std::ptrdiff_t b = 0; b < plan.size; ++b)
    detail::store(math::inverse_retract(detail::load(plan, b), detail::load(next, b)), tangent, b);
}

/// A retraction that agrees with the geodesic of the Fisher metric to second order: the entropic projection of
/// log P + X − X∘X/4, X = U/P. For Hessians and Newton steps.
///
/// Shapes      plan, tangent, next (B, N, N), in host memory.
/// Result      computed in double: doubly stochastic to rounding.
/// Range       U must be tangent. Of use while |X| is below about 1: beyond 2 it turns back.
/// Aliasing    next may be plan (in place); other overlap is refused.
/// Memory      no allocation.
/// Non-finite  a NaN stays in its own matrix.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
/// @see mhc::riemannian_hessian
template <scalar U, int N, scalar T = std::remove_const_t<U>>
void retract_second_order(batch_view<U, N> plan, std::type_identity_t<batch_view<T const, N>> tangent,
                          std::type_identity_t<batch_view<T, N>> next) {
  detail::check("mhc::retract_second_order", {detail::reads("plan", plan), detail::reads("tangent", tangent),
                                              detail::writes("next", next).in_place_of("plan")});
  for (std::ptrdiff_t b = 0; b < plan.size; ++b)
    detail::store(math::retract_second_order(detail::load(plan, b), detail::load(tangent, b)), next, b);
}

/// Geodesic of the exponential connection through P with velocity U: the entropic projection of log P + tU/P, a
/// straight line in log P modulo a⊕b.
///
/// Shapes      plan, tangent, next (B, N, N), in host memory.
/// Result      computed in double: doubly stochastic to rounding, for every t.
/// Aliasing    next may be plan (in place); other overlap is refused.
/// Memory      no allocation.
/// Non-finite  a NaN stays in its own matrix.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
/// @see Amari, Nagaoka (2000), §3.5.
template <scalar U, int N, scalar T = std::remove_const_t<U>>
void exponential_geodesic(batch_view<U, N> plan, std::type_identity_t<batch_view<T const, N>> tangent, double t,
                          std::type_identity_t<batch_view<T, N>> next) {
  detail::check("mhc::exponential_geodesic", {detail::reads("plan", plan), detail::reads("tangent", tangent),
                                              detail::writes("next", next).in_place_of("plan")});
  using V = detail::working_t<T>;
  for (std::ptrdiff_t b = 0; b < plan.size; ++b)
    detail::store(math::exponential_geodesic(detail::load(plan, b), detail::load(tangent, b), V(t)), next, b);
}

/// Geodesic of the mixture connection through P with velocity U: the straight line P + tU.
///
/// Shapes      plan, tangent, next (B, N, N), in host memory.
/// Result      computed in double.
/// Range       in the polytope for t up to `mixture_reach`; has negative entries beyond.
/// Aliasing    next may be plan (in place); other overlap is refused.
/// Memory      no allocation.
/// Non-finite  a NaN stays in its own matrix.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
/// @see Amari, Nagaoka (2000), §3.5.
template <scalar U, int N, scalar T = std::remove_const_t<U>>
void mixture_geodesic(batch_view<U, N> plan, std::type_identity_t<batch_view<T const, N>> tangent, double t,
                      std::type_identity_t<batch_view<T, N>> next) {
  detail::check("mhc::mixture_geodesic", {detail::reads("plan", plan), detail::reads("tangent", tangent),
                                          detail::writes("next", next).in_place_of("plan")});
  using V = detail::working_t<T>;
  for (std::ptrdiff_t b = 0; b < plan.size; ++b)
    detail::store(math::mixture_geodesic(detail::load(plan, b), detail::load(tangent, b), V(t)), next, b);
}

/// The largest t for which P + tU stays in the polytope: min P_ij/(−U_ij) over negative U_ij.
///
/// Shapes      plan, tangent (B, N, N), reach (B, 1), in host memory.
/// Result      computed in double; infinite for U = 0.
/// Aliasing    reach must not overlap another argument.
/// Memory      no allocation.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
template <scalar U, int N, scalar T = std::remove_const_t<U>>
void mixture_reach(batch_view<U, N> plan, std::type_identity_t<batch_view<T const, N>> tangent,
                   std::type_identity_t<vector_view<T, 1>> reach) {
  detail::check("mhc::mixture_reach",
                {detail::reads("plan", plan), detail::reads("tangent", tangent), detail::writes("reach", reach)});
  for (std::ptrdiff_t b = 0; b < plan.size; ++b)
    reach(b, 0) = static_cast<T>(math::mixture_reach(detail::load(plan, b), detail::load(tangent, b)));
}

}  // namespace mhc
