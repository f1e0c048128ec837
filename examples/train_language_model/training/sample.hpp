// SPDX-License-Identifier: MIT
#pragma once

#include "trainer.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace demo {

inline constexpr double sample_temperature = 0.7;

/// The index drawn with probability softmax(logits/temperature).
template <class T>
std::uint8_t draw(row_vector<T> const& logits, random_stream& random) {
  Eigen::RowVectorXd weights = logits.template cast<double>();
  weights = ((weights.array() - weights.maxCoeff()) / sample_temperature).exp();
  double rest = random.uniform() * weights.sum();
  Eigen::Index chosen = 0;
  while (chosen + 1 < weights.size() && (rest -= weights[chosen]) >= 0) ++chosen;
  return static_cast<std::uint8_t>(chosen);
}

/// `count` bytes that the model writes after a prompt. The same random numbers for every model.
template <class T>
std::string generate(trainer<T>& t, std::string_view prompt, std::ptrdiff_t count, std::uint64_t seed) {
  std::vector<std::uint8_t> bytes(prompt.begin(), prompt.end());
  random_stream random(seed, purpose::sample, 0);
  for (std::ptrdiff_t i = 0; i < count; ++i) {
    auto const seen = std::min(bytes.size(), unsigned_size(t.model.shape().context));
    bytes.push_back(draw<T>(t.next_logits(std::span(bytes).last(seen)), random));
  }
  return {bytes.begin() + static_cast<std::ptrdiff_t>(prompt.size()), bytes.end()};
}

}  // namespace demo
