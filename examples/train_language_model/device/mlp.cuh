// SPDX-License-Identifier: MIT
#pragma once

#include "maths.cuh"
#include "scratch.cuh"

#include <cstddef>

namespace demo::on_device {

/// demo::mlp for all sequences of a batch at once, with the same parameters and activations.
struct mlp {
  maths const& on;
  std::ptrdiff_t channels;
  std::ptrdiff_t hidden;

  std::ptrdiff_t activation_count(batch_shape b) const { return b.tokens() * hidden; }

  void internals(float const* parameters, batch_shape b, float const* u, float* activations, scratch_arrays& s) const {
    auto const normed = rows(s.normed(b.tokens() * channels), b);
    on.norm(parameters, rows(u, b), normed);
    on.product(normed, weights_in(parameters + channels), inner(activations, b));
  }

  void output(float const* parameters, float const* activations, batch_shape b, float* y, scratch_arrays& s) const {
    auto const h = inner(s.inner(b.tokens() * hidden), b);
    on.gelu(inner(activations, b), h);
    on.product(h, weights_out(parameters + channels), rows(y, b));
  }

  /// Adds to parameters_gradient, writes u_gradient.
  void vjp(float const* parameters, float const* u, float const* activations, batch_shape b, float const* y_gradient,
           float* u_gradient, float* parameters_gradient, scratch_arrays& s) const {
    auto const a = inner(activations, b);
    auto const h = inner(s.inner(b.tokens() * hidden), b);
    on.gelu(a, h);
    on.add_product(transpose(h), rows(y_gradient, b), weights_out(parameters_gradient + channels));

    auto const a_gradient = inner(s.inner_gradient(b.tokens() * hidden), b);
    on.product(rows(y_gradient, b), transpose(weights_out(parameters + channels)), a_gradient);
    on.gelu_vjp(a, a_gradient);

    auto const normed = rows(s.normed(b.tokens() * channels), b);
    auto const normed_gradient = rows(s.normed_gradient(b.tokens() * channels), b);
    on.norm(parameters, rows(u, b), normed);
    on.add_product(transpose(normed), a_gradient, weights_in(parameters_gradient + channels));
    on.product(a_gradient, transpose(weights_in(parameters + channels)), normed_gradient);
    on.norm_vjp(parameters, rows(u, b), normed_gradient, rows(u_gradient, b), parameters_gradient,
                s.inverse(b.tokens()));
  }

 private:
  template <class T>
  matrix<T> rows(T* x, batch_shape b) const {
    return {x, b.tokens(), channels};
  }
  template <class T>
  matrix<T> inner(T* a, batch_shape b) const {
    return {a, b.tokens(), hidden};
  }
  template <class T>
  matrix<T> weights_in(T* weights) const {
    return {weights, channels, hidden};
  }
  template <class T>
  matrix<T> weights_out(T* weights) const {
    return {weights + channels * hidden, hidden, channels};
  }
};

}  // namespace demo::on_device
