// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/marginal_error/sequential.hpp>

#if defined(__CUDACC__)
#  include <mhc/ops/marginal_error/cuda.cuh>
#else
#  include <mhc/ops/marginal_error/simd.hpp>
#endif

#include <type_traits>

namespace mhc {

namespace detail {

template <class Policy, class... Args>
void marginal_error_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>,
                "mhc::marginal_error: no backend for this execution policy in this translation unit");
}

}  // namespace detail

/// How far each matrix is from doubly stochastic: max over all rows i and columns j of |Σ_j P_ij − 1| and |Σ_i P_ij − 1|.
/// Says nothing about the signs of the entries.
///
/// Shapes      plan (B, N, N), error (B, 1).
/// Result      exact up to the rounding of N-term sums, N·eps/2.
/// Aliasing    error and plan must not overlap.
/// Order       host policies return when done; cuda::policy enqueues on its stream and returns.
/// Memory      no allocation.
/// Non-finite  a NaN or infinite entry makes the error of its matrix NaN.
///
/// @throws mhc::shape_error  the views do not fit together; nothing is written
template <execution_policy Policy, scalar U, int N, scalar T = std::remove_const_t<U>>
void marginal_error(Policy const& policy, batch_view<U, N> plan, std::type_identity_t<vector_view<T, 1>> error) {
  detail::check("mhc::marginal_error", {detail::reads("plan", plan), detail::writes("error", error)});
  using detail::marginal_error_impl;
  marginal_error_impl(policy, batch_view<T const, N>(plan), error);
}

}  // namespace mhc
