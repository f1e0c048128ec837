// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>

#include <cmath>

/// @file
/// The scalar gates of hyper-connections. Each derivative is a function of the gate's value.

MHC_BEGIN_LANES

namespace mhc::math {

/// σ(x) = 1/(1 + exp(−x)); saturates to 0 and 1 without a NaN.
template <class V>
MHC_HD inline V sigmoid(V const& x) {
  using std::exp;
  return V(1) / (V(1) + exp(-x));
}

/// σ' from y = σ(x).
template <class V>
MHC_HD inline V sigmoid_derivative(V const& y) {
  return y * (V(1) - y);
}

template <class V>
MHC_HD inline V hyperbolic_tangent(V const& x) {
  using std::tanh;
  return tanh(x);
}

/// tanh' from y = tanh(x).
template <class V>
MHC_HD inline V hyperbolic_tangent_derivative(V const& y) {
  return (V(1) - y) * (V(1) + y);
}

}  // namespace mhc::math

MHC_END_LANES
