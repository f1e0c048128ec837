// SPDX-License-Identifier: MIT
#pragma once

#include "maths.cuh"
#include "scratch.cuh"

#include <cmath>
#include <cstddef>

namespace demo::on_device {

/// demo::attention for all sequences of a batch at once, with the same parameters.
/// Activations: [q k v] of all tokens (B·T, 3C), o (B·T, C), P (heads, B, T, T).
struct attention {
  maths const& on;
  std::ptrdiff_t channels;
  std::ptrdiff_t heads;

  std::ptrdiff_t activation_count(batch_shape b) const { return b.tokens() * (4 * channels + heads * b.length); }

  void internals(float const* parameters, batch_shape b, float const* u, float* activations, scratch_arrays& s) const {
    auto const normed = rows(s.normed(b.tokens() * channels), b);
    on.norm(parameters, rows(u, b), normed);
    on.product(normed, weights_qkv(parameters + channels), all_qkv(activations, b));
    for (std::ptrdiff_t h = 0; h < heads; ++h) {
      auto const plan = plan_of(activations, b, h);
      on.product(part(activations, 0, b, h), transpose(part(activations, 1, b, h)), plan);
      on.causal_softmax(plan, scale());
      on.product(plan, part(activations, 2, b, h), head_of(o_of(activations, b), b, h));
    }
  }

  void output(float const* parameters, float const* activations, batch_shape b, float* y, scratch_arrays&) const {
    on.product(rows(o_of(activations, b), b), weights_out(parameters + channels), rows(y, b));
  }

  /// Adds to parameters_gradient, writes u_gradient.
  void vjp(float const* parameters, float const* u, float const* activations, batch_shape b, float const* y_gradient,
           float* u_gradient, float* parameters_gradient, scratch_arrays& s) const {
    on.add_product(transpose(rows(o_of(activations, b), b)), rows(y_gradient, b),
                   weights_out(parameters_gradient + channels));
    float* const o_gradient = s.normed(b.tokens() * channels);
    on.product(rows(y_gradient, b), transpose(weights_out(parameters + channels)), rows(o_gradient, b));

    float* const qkv_gradient = s.inner(b.tokens() * 3 * channels);
    matrix<float> const scores_gradient(s.scores(b.tokens() * b.length), b.length, b.length, b.length, b.count,
                                        b.length * b.length);
    for (std::ptrdiff_t h = 0; h < heads; ++h)
      head_vjp(activations, b, h, head_of(o_gradient, b, h), scores_gradient, qkv_gradient);

    auto const normed = rows(s.normed(b.tokens() * channels), b);
    auto const normed_gradient = rows(s.normed_gradient(b.tokens() * channels), b);
    on.norm(parameters, rows(u, b), normed);
    on.add_product(transpose(normed), all_qkv(qkv_gradient, b), weights_qkv(parameters_gradient + channels));
    on.product(all_qkv(qkv_gradient, b), transpose(weights_qkv(parameters + channels)), normed_gradient);
    on.norm_vjp(parameters, rows(u, b), normed_gradient, rows(u_gradient, b), parameters_gradient,
                s.inverse(b.tokens()));
  }

 private:
  std::ptrdiff_t size() const { return channels / heads; }
  float scale() const { return 1 / std::sqrt(static_cast<float>(size())); }

  template <class T>
  matrix<T> rows(T* x, batch_shape b) const {
    return {x, b.tokens(), channels};
  }
  template <class T>
  matrix<T> all_qkv(T* qkv, batch_shape b) const {
    return {qkv, b.tokens(), 3 * channels};
  }
  template <class T>
  matrix<T> weights_qkv(T* weights) const {
    return {weights, channels, 3 * channels};
  }
  template <class T>
  matrix<T> weights_out(T* weights) const {
    return {weights + 3 * channels * channels, channels, channels};
  }

  template <class T>
  T* o_of(T* activations, batch_shape b) const {
    return activations + b.tokens() * 3 * channels;
  }
  template <class T>
  matrix<T> plan_of(T* activations, batch_shape b, std::ptrdiff_t h) const {
    std::ptrdiff_t const square = b.length * b.length;
    return {
        activations + b.tokens() * 4 * channels + h * b.count * square, b.length, b.length, b.length, b.count, square};
  }
  /// q (which = 0), k (1) or v (2) of one head, a matrix per sequence.
  template <class T>
  matrix<T> part(T* qkv, std::ptrdiff_t which, batch_shape b, std::ptrdiff_t h) const {
    return {qkv + which * channels + h * size(), b.length, size(), 3 * channels, b.count, b.length * 3 * channels};
  }
  template <class T>
  matrix<T> head_of(T* o, batch_shape b, std::ptrdiff_t h) const {
    return {o + h * size(), b.length, size(), channels, b.count, b.length * channels};
  }

  /// ∂v = Pᵀ∂o;  ∂P = ∂o·vᵀ;  ∂S by causal_softmax_vjp;  ∂q = ∂S·k/√d;  ∂k = ∂Sᵀ·q/√d.
  void head_vjp(float const* activations, batch_shape b, std::ptrdiff_t h, matrix<float const> o_gradient,
                matrix<float> scores_gradient, float* qkv_gradient) const {
    auto const plan = plan_of(activations, b, h);
    on.product(transpose(plan), o_gradient, part(qkv_gradient, 2, b, h));
    on.product(o_gradient, transpose(part(activations, 2, b, h)), scores_gradient);
    on.causal_softmax_vjp(plan, scores_gradient, scale());
    on.product(scores_gradient, part(activations, 1, b, h), part(qkv_gradient, 0, b, h));
    on.product(transpose(scores_gradient), part(activations, 0, b, h), part(qkv_gradient, 1, b, h));
  }
};

}  // namespace demo::on_device
