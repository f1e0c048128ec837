// SPDX-License-Identifier: MIT
#pragma once

#include "../../support/device.cuh"
#include "../training/adamw_step.hpp"
#include "matrix.cuh"

#include <cstddef>
#include <cstdint>

struct cublasContext;

namespace demo::on_device {

using example::device_array;

/// What the transformer computes on the device, on the default stream, from and to device memory. Sums have a fixed order.
/// Matrix products are cuBLAS's, in float, not in TF32.
class maths {
 public:
  maths();
  maths(maths const&) = delete;
  maths& operator=(maths const&) = delete;
  ~maths();

  /// c = a·b
  void product(matrix<float const> a, matrix<float const> b, matrix<float> c) const;
  /// c += a·b
  void add_product(matrix<float const> a, matrix<float const> b, matrix<float> c) const;

  /// x_i = embedding of byte i + position i mod length
  void embed(float const* embedding, float const* positions, std::uint8_t const* bytes, std::ptrdiff_t length,
             matrix<float> x) const;
  /// Adds to the gradients.
  void embed_vjp(matrix<float const> x_gradient, std::uint8_t const* bytes, std::ptrdiff_t length,
                 std::ptrdiff_t vocabulary, float* embedding_gradient, float* positions_gradient) const;

  /// As demo::norm, row by row.
  void norm(float const* gain, matrix<float const> u, matrix<float> normed) const;
  /// Writes u_gradient, adds to gain_gradient. `inverse` is scratch for an element per row.
  void norm_vjp(float const* gain, matrix<float const> u, matrix<float const> normed_gradient, matrix<float> u_gradient,
                float* gain_gradient, float* inverse) const;

  /// Row t of every matrix becomes softmax(scale·(its first t + 1 elements)), 0 behind them.
  void causal_softmax(matrix<float> scores, float scale) const;
  /// plan_gradient becomes that of the scores: scale·P ∘ (∂P − rowsum(P ∘ ∂P)).
  void causal_softmax_vjp(matrix<float const> plan, matrix<float> plan_gradient, float scale) const;

  /// h = gelu(a), in the approximation by tanh
  void gelu(matrix<float const> a, matrix<float> h) const;
  /// The gradient of h becomes that of a.
  void gelu_vjp(matrix<float const> a, matrix<float> gradient) const;

  /// loss_t = −log softmax(logits_t)[target_t]
  void cross_entropy(matrix<float const> logits, std::uint8_t const* targets, float* losses) const;
  /// Also replaces the logits by `scale` times their gradient.
  void cross_entropy_and_gradient(matrix<float> logits, std::uint8_t const* targets, float scale, float* losses) const;

  void adamw(adamw_step<float> const& step, device_array<float> const& gradient, device_array<float> const& decay,
             device_array<float> const& first, device_array<float> const& second,
             device_array<float> const& parameters) const;

  // These wait for the device. In double.
  double sum(float const* values, std::ptrdiff_t count) const;
  double sum_of_squares(float const* values, std::ptrdiff_t count) const;

 private:
  template <bool Squared>
  double sum_of(float const* values, std::ptrdiff_t count) const;
  void multiply(matrix<float const> a, matrix<float const> b, float old, matrix<float> c) const;

  cublasContext* blas_ = nullptr;
  device_array<double> partial_;
};

}  // namespace demo::on_device
