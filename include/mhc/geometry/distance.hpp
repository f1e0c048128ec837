// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/geometry/matrix.hpp>
#include <mhc/geometry/membership.hpp>
#include <mhc/math/retraction.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <string>
#include <type_traits>

namespace mhc {

namespace detail {

/// p log(p/q) − p + q ≥ 0, without the cancellation near p = q: with x = (p−q)/q it is q((1+x) log(1+x) − x), and for
/// small x the series q Σ_{k≥2} (−x)^k / (k(k−1)).
inline double divergence_term(double p, double q) {
  if (!(p >= 0 && q >= 0)) return std::numeric_limits<double>::quiet_NaN();
  if (p == 0) return q;
  if (q == 0) return std::numeric_limits<double>::infinity();
  double const x = (p - q) / q;
  if (std::abs(x) > 0.5) return p * std::log(p / q) - (p - q);
  if (std::abs(x) > 0.01) return p * std::log1p(x) - (p - q);
  double sum = 0, power = -x;
  for (int k = 2; k <= 9; ++k) {
    power *= -x;
    sum += power / (k * (k - 1));
  }
  return q * sum;
}

}  // namespace detail

/// Kullback–Leibler divergence D(p ‖ q) = Σ_ij p_ij log(p_ij/q_ij) − p_ij + q_ij, in nats.
///
/// The last two terms vanish between doubly stochastic matrices; with them D ≥ 0 between any non-negative matrices, and
/// the entropic projection P of K = exp(Z) satisfies D(Q ‖ K) = D(Q ‖ P) + D(P ‖ K) for every doubly stochastic Q.
///
/// Shapes      p, q (n, n), in host memory.
/// Result      in double, relative error below 1e-12, also for p near q. 0 log 0 = 0; infinite where q is 0
///             and p is not.
/// Memory      no allocation.
/// Non-finite  a NaN or negative entry gives NaN.
///
/// @throws mhc::shape_error  a matrix is null, misaligned or empty, or their orders differ
/// @see I. Csiszár, Ann. Probab. 3 (1975) 146–158 for the Pythagorean identity.
template <scalar T, scalar U>
double kl_divergence(matrix_view<T> p, matrix_view<U> q) {
  detail::check_matrix("mhc::kl_divergence", "p", p);
  detail::check_matrix("mhc::kl_divergence", "q", q);
  detail::check_order("mhc::kl_divergence", "q", q.order, p.order);
  double sum = 0;
  for (int i = 0; i < p.order; ++i)
    for (int j = 0; j < p.order; ++j)
      sum += detail::divergence_term(static_cast<double>(p(i, j)), static_cast<double>(q(i, j)));
  return sum;
}

/// ‖p − q‖_F = √Σ_ij (p_ij − q_ij)².
///
/// Shapes      p, q (n, n), in host memory.
/// Result      in double.
/// Memory      no allocation.
/// Non-finite  a NaN gives NaN.
///
/// @throws mhc::shape_error  a matrix is null, misaligned or empty, or their orders differ
template <scalar T, scalar U>
double frobenius_distance(matrix_view<T> p, matrix_view<U> q) {
  detail::check_matrix("mhc::frobenius_distance", "p", p);
  detail::check_matrix("mhc::frobenius_distance", "q", q);
  detail::check_order("mhc::frobenius_distance", "q", q.order, p.order);
  double sum = 0;
  for (int i = 0; i < p.order; ++i)
    for (int j = 0; j < p.order; ++j) {
      double const d = static_cast<double>(p(i, j)) - static_cast<double>(q(i, j));
      sum += d * d;
    }
  return std::sqrt(sum);
}

/// The doubly stochastic matrix nearest to a positive matrix M in Kullback–Leibler divergence, argmin_P D(P ‖ M):
/// the `entropic` projection of log M.
///
/// Shapes      positive, plan (B, N, N), in host memory.
/// Result      computed in double; a doubly stochastic matrix is a fixed point, to rounding.
/// Aliasing    plan may be positive (in place); partial overlap is refused.
/// Memory      no allocation.
///
/// @throws mhc::shape_error       the views do not fit together; nothing is written
/// @throws mhc::membership_error  an entry is not positive and finite; nothing is written
/// @see mhc::project, for logits.
template <scalar U, int N, scalar T = std::remove_const_t<U>>
void kl_projection(batch_view<U, N> positive, std::type_identity_t<batch_view<T, N>> plan) {
  using std::log;
  detail::check("mhc::kl_projection",
                {detail::reads("positive", positive), detail::writes("plan", plan).in_place_of("positive")});
  for (std::ptrdiff_t b = 0; b < positive.size; ++b) {
    auto const m = detail::check_entries(matrix_at(positive, b), "positive and finite", 0,
                                         [](double x) { return x > 0 && std::isfinite(x); });
    if (!m) detail::require_member("mhc::kl_projection", "matrix " + std::to_string(b), m);
  }
  for (std::ptrdiff_t b = 0; b < positive.size; ++b) {
    auto z = detail::load(positive, b);
    for (int k = 0; k < N * N; ++k) z[k] = log(z[k]);
    detail::store(math::scale_to_polytope(z), plan, b);
  }
}

}  // namespace mhc
