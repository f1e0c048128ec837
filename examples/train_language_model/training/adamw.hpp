// SPDX-License-Identifier: MIT
#pragma once

#include "../transformer/pieces.hpp"
#include "adamw_step.hpp"

#include <cmath>
#include <cstddef>
#include <utility>
#include <vector>

namespace demo {

/// AdamW: the state of the optimiser, the decay on matrices only.
template <class T>
class adamw {
 public:
  adamw(std::ptrdiff_t count, std::vector<std::pair<std::ptrdiff_t, std::ptrdiff_t>> const& matrices, double decay)
      : first(unsigned_size(count)), second(unsigned_size(count)), decay_(unsigned_size(count)) {
    for (auto const& [at, size] : matrices) std::fill_n(decay_.begin() + at, size, static_cast<T>(decay));
  }

  void update(int threads, adamw_step<T> const& s, buffer<T> const& gradient, buffer<T>& parameters) {
    for_each_range(threads, signed_size(parameters), [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
      auto const piece = [&](auto& values) { return array_of(values, begin, end); };
      auto m = piece(first), v = piece(second), p = piece(parameters);
      auto const g = s.gradient_scale * piece(gradient);
      m = s.beta1 * m + (1 - s.beta1) * g;
      v = s.beta2 * v + (1 - s.beta2) * g.square();
      p -= s.rate * (s.unbias1 * m / ((s.unbias2 * v).sqrt() + s.epsilon) + piece(decay_) * p);
    });
  }

  buffer<T> const& decay() const { return decay_; }

  buffer<T> first;   ///< Running mean of the gradient.
  buffer<T> second;  ///< Running mean of its square.

 private:
  using array = Eigen::Array<T, Eigen::Dynamic, 1>;

  static Eigen::Map<array> array_of(buffer<T>& values, std::ptrdiff_t begin, std::ptrdiff_t end) {
    return {values.data() + begin, end - begin};
  }
  static Eigen::Map<array const> array_of(buffer<T> const& values, std::ptrdiff_t begin, std::ptrdiff_t end) {
    return {values.data() + begin, end - begin};
  }

  buffer<T> decay_;
};

/// The Euclidean norm, summed in double in fixed pieces.
template <class T>
double euclidean_norm(int threads, buffer<T> const& values) {
  std::vector<double> sums(values.size() / 4096 + 1);
  for_each_range(threads, signed_size(values), [&](std::ptrdiff_t begin, std::ptrdiff_t end) {
    using array = Eigen::Array<T, Eigen::Dynamic, 1>;
    sums[unsigned_size(begin / 4096)] =
        Eigen::Map<array const>(values.data() + begin, end - begin).template cast<double>().square().sum();
  });
  double total = 0;
  for (double const sum : sums) total += sum;
  return std::sqrt(total);
}

}  // namespace demo
