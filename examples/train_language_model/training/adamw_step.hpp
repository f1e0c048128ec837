// SPDX-License-Identifier: MIT
#pragma once

#include <cmath>
#include <cstddef>

namespace demo {

/// AdamW (arXiv 1711.05101), its numbers for one step: with g = gradient_scale·gradient
///   m ← β₁m + (1 − β₁)g,  v ← β₂v + (1 − β₂)g²,  p −= rate·(m̂/(√v̂ + ε) + decay·p),
/// m̂ = unbias1·m, v̂ = unbias2·v; the decay is the parameter's own.
template <class T>
struct adamw_step {
  static constexpr T beta1 = T(0.9), beta2 = T(0.95), epsilon = T(1e-8);

  T rate, gradient_scale, unbias1, unbias2;

  /// `index` counts from 1.
  adamw_step(std::ptrdiff_t index, double its_rate, double its_gradient_scale)
      : rate(static_cast<T>(its_rate)),
        gradient_scale(static_cast<T>(its_gradient_scale)),
        unbias1(static_cast<T>(1 / (1 - std::pow(0.9, static_cast<double>(index))))),
        unbias2(static_cast<T>(1 / (1 - std::pow(0.95, static_cast<double>(index))))) {}
};

}  // namespace demo
