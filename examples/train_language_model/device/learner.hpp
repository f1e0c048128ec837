// SPDX-License-Identifier: MIT
#pragma once

#include "../training/adamw_step.hpp"
#include "../transformer/connected_stack.hpp"
#include "../transformer/layout.hpp"
#include "../transformer/shape.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

namespace demo {

/// What changes as a model is trained, an element per parameter.
template <class T>
struct training_state {
  std::span<T> parameters, first, second;
};

struct loss_and_norm {
  double loss;           ///< Mean cross-entropy in nats.
  double gradient_norm;  ///< Of all parameters.
};

/// A language model and its optimiser on a GPU. The maths is that of language_model and adamw, for all sequences of a
/// batch at once; the numbers differ by rounding.
template <class T>
class device_learner {
 public:
  virtual ~device_learner() = default;

  virtual void put(training_state<T const> const& state) = 0;
  virtual void get(training_state<T> const& state) const = 0;

  virtual double loss(windows const& batch) = 0;
  /// The gradient stays on the device, for `update`.
  virtual loss_and_norm loss_and_gradient(windows const& batch) = 0;
  virtual void update(adamw_step<T> const& step) = 0;

  /// Of the byte that follows.
  virtual std::vector<T> next_logits(std::span<std::uint8_t const> bytes) = 0;
  virtual mixing measure_mixing(windows const& batch) = 0;
};

/// What a model is made of. `decay` has an element per parameter.
struct device_model {
  transformer_shape shape;
  bool recompute;
  parameter_layout layout;
  std::span<float const> decay;
  std::unique_ptr<connected_stack<float>> connections;
};

std::unique_ptr<device_learner<float>> make_device_learner(device_model model);

/// @throws std::runtime_error  there is no device, or the program was built without nvcc
std::string device_name();

}  // namespace demo
