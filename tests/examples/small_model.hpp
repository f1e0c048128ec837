// SPDX-License-Identifier: MIT
#pragma once

#include "../../examples/train_language_model/random.hpp"
#include "../../examples/train_language_model/transformer/shape.hpp"

#include <cstdint>

namespace demo {

/// Odd sizes, so that no row of any matrix fills a vector register.
inline transformer_shape small_shape() {
  return {.vocabulary = 7, .channels = 6, .heads = 2, .hidden = 10, .blocks = 2, .context = 5};
}

inline windows some_windows(transformer_shape const& shape, std::ptrdiff_t count, std::uint64_t seed) {
  random_stream random(seed, purpose::batches, 0);
  windows batch{count, shape.context, {}, {}};
  for (std::ptrdiff_t i = 0; i < batch.tokens(); ++i) {
    batch.bytes.push_back(static_cast<std::uint8_t>(random.below(shape.vocabulary)));
    batch.targets.push_back(static_cast<std::uint8_t>(random.below(shape.vocabulary)));
  }
  return batch;
}

}  // namespace demo
