// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/core/policy.hpp>
#include <mhc/ops/gates/sequential.hpp>
#include <mhc/ops/gates/types.hpp>

#if defined(__CUDACC__)
#  include <mhc/ops/gates/cuda.cuh>
#else
#  include <mhc/ops/gates/simd.hpp>
#endif

/// @file
/// Not an operation of its own: the shared engine of `coefficients`, `pre` and the head of `contract`.

namespace mhc::detail {

template <class Policy, class... Args>
void gates_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>,
                "mhc::coefficients, pre, contract: no backend for this execution policy in this translation unit");
}
template <class Policy, class... Args>
void gates_vjp_impl(Policy const&, Args const&...) {
  static_assert(always_false<Policy>,
                "mhc::coefficients_vjp, pre_vjp, contract_vjp: no backend for this execution policy in this "
                "translation unit");
}

/// The parameter arrays as arguments of `check`.
template <class Kind, class T>
constexpr argument reads_phi(Kind const& kind, parameters_of<Kind, T> const& p) {
  return reads("parameters.phi", p.phi, phi_size(kind));
}
template <class Kind, class T>
constexpr argument reads_alpha(Kind const& kind, parameters_of<Kind, T> const& p) {
  return reads("parameters.alpha", p.alpha, alpha_size(kind));
}
template <class Kind, class T>
constexpr argument reads_bias(Kind const& kind, parameters_of<Kind, T> const& p) {
  return reads("parameters.bias", p.bias, bias_size(kind));
}
template <class Kind, class T>
constexpr argument writes_phi(Kind const& kind, parameters_of<Kind, T> const& p) {
  return writes("parameters_gradient.phi", p.phi, phi_size(kind));
}
template <class Kind, class T>
constexpr argument writes_alpha(Kind const& kind, parameters_of<Kind, T> const& p) {
  return writes("parameters_gradient.alpha", p.alpha, alpha_size(kind));
}
template <class Kind, class T>
constexpr argument writes_bias(Kind const& kind, parameters_of<Kind, T> const& p) {
  return writes("parameters_gradient.bias", p.bias, bias_size(kind));
}

}  // namespace mhc::detail
