// SPDX-License-Identifier: MIT
#pragma once

#include "../transformer/shape.hpp"
#include "attention.cuh"
#include "mlp.cuh"

#include <mhc/core/views.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

namespace demo::on_device {

/// F of every layer, as demo::sublayers: attention on even layers, MLP on odd ones. Keeps what the backward of each layer
/// needs or, with recompute, the room for one layer, which the backward fills again from u.
class sublayers {
 public:
  /// Where the parameters of every layer start.
  sublayers(maths const& on, transformer_shape const& shape, bool recompute, std::vector<std::ptrdiff_t> parameters_at)
      : attention_{on, shape.channels, shape.heads},
        mlp_{on, shape.channels, shape.hidden},
        parameters_at_(std::move(parameters_at)),
        recompute_{recompute} {}

  /// Makes room for a batch; forward and backward then work on it.
  void reserve(batch_shape b) {
    shape_ = b;
    auto const layers = static_cast<std::ptrdiff_t>(parameters_at_.size());
    std::ptrdiff_t const all = recompute_ ? std::max(size(0), size(1)) : before(layers);
    activations_(all);
  }

  void forward(float const* parameters, std::ptrdiff_t layer, mhc::token_view<float const> u, mhc::token_view<float> y,
               scratch_arrays& s) {
    on_layer(layer, [&](auto const& f, std::ptrdiff_t at) {
      f.internals(parameters + at, shape_, u.data, activations(layer), s);
      f.output(parameters + at, activations(layer), shape_, y.data, s);
    });
  }

  void backward(float const* parameters, std::ptrdiff_t layer, mhc::token_view<float const> u,
                mhc::token_view<float const> y_gradient, mhc::token_view<float> u_gradient, float* parameters_gradient,
                scratch_arrays& s) {
    on_layer(layer, [&](auto const& f, std::ptrdiff_t at) {
      if (recompute_) f.internals(parameters + at, shape_, u.data, activations(layer), s);
      f.vjp(parameters + at, u.data, activations(layer), shape_, y_gradient.data, u_gradient.data,
            parameters_gradient + at, s);
    });
  }

 private:
  template <class F>
  void on_layer(std::ptrdiff_t layer, F const& f) const {
    std::ptrdiff_t const at = parameters_at_[static_cast<std::size_t>(layer)];
    layer % 2 == 0 ? f(attention_, at) : f(mlp_, at);
  }

  std::ptrdiff_t size(std::ptrdiff_t layer) const {
    return layer % 2 == 0 ? attention_.activation_count(shape_) : mlp_.activation_count(shape_);
  }
  std::ptrdiff_t before(std::ptrdiff_t layer) const { return (layer + 1) / 2 * size(0) + layer / 2 * size(1); }
  float* activations(std::ptrdiff_t layer) { return activations_(0) + (recompute_ ? 0 : before(layer)); }

  attention attention_;
  mlp mlp_;
  std::vector<std::ptrdiff_t> parameters_at_;
  bool recompute_;
  batch_shape shape_{};
  scratch activations_;
};

}  // namespace demo::on_device
