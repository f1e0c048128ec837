// SPDX-License-Identifier: MIT
#pragma once

#include "maths.cuh"
#include "scratch.cuh"

#include <cstddef>
#include <cstdint>

namespace demo::on_device {

/// demo::prediction_head for all tokens of a batch at once, with the same parameters.
struct prediction_head {
  maths const& on;
  std::ptrdiff_t channels;
  std::ptrdiff_t vocabulary;

  /// In scratch memory.
  matrix<float> logits(float const* parameters, std::ptrdiff_t tokens, float const* x, scratch_arrays& s) const {
    matrix<float> const normed(s.normed(tokens * channels), tokens, channels),
        result(s.inner(tokens * vocabulary), tokens, vocabulary);
    on.norm(parameters, {x, tokens, channels}, normed);
    on.product(normed, weights(parameters + channels), result);
    return result;
  }

  /// Cross-entropies, `scale` times the gradient of their sum with respect to x, and adds that of the parameters.
  void loss_and_gradient(float const* parameters, std::ptrdiff_t tokens, float const* x, std::uint8_t const* targets,
                         float scale, float* losses, float* x_gradient, float* parameters_gradient,
                         scratch_arrays& s) const {
    auto const gradient = logits(parameters, tokens, x, s);
    on.cross_entropy_and_gradient(gradient, targets, scale, losses);
    matrix<float> const normed(s.normed(tokens * channels), tokens, channels),
        normed_gradient(s.normed_gradient(tokens * channels), tokens, channels);
    on.add_product(transpose(normed), gradient, weights(parameters_gradient + channels));
    on.product(gradient, transpose(weights(parameters + channels)), normed_gradient);
    on.norm_vjp(parameters, {x, tokens, channels}, normed_gradient, {x_gradient, tokens, channels}, parameters_gradient,
                s.inverse(tokens));
  }

 private:
  template <class T>
  matrix<T> weights(T* at) const {
    return {at, channels, vocabulary};
  }
};

}  // namespace demo::on_device
