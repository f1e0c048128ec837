// SPDX-License-Identifier: MIT
#pragma once

#include "../../support/device.cuh"

#include <cstddef>

namespace demo::on_device {

/// `count` sequences of `length` tokens.
struct batch_shape {
  std::ptrdiff_t count, length;

  std::ptrdiff_t tokens() const { return count * length; }
};

/// Memory that grows to the largest batch and has no meaning between two calls.
class scratch {
 public:
  float* operator()(std::ptrdiff_t count) {
    if (memory_.size() < count) memory_ = example::device_array<float>(count);
    return memory_.data();
  }

 private:
  example::device_array<float> memory_;
};

/// What the sublayers and the head use one after the other.
struct scratch_arrays {
  scratch normed, normed_gradient, inverse, inner, inner_gradient, scores;
};

}  // namespace demo::on_device
