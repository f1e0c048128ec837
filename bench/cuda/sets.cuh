// SPDX-License-Identifier: MIT
#pragma once

#include "cases.hpp"
#include "operations.hpp"
#include "timing.cuh"

#include <utility>
#include <vector>

namespace mhc::bench {

/// As many sets of arrays as together exceed twice the L2 cache; make(some) makes one.
template <class Make>
auto rotating(std::vector<array>& memory, Make const& make) {
  std::size_t bytes = 0;
  unsigned seed = 0;
  auto const some = [&]<class E>(std::ptrdiff_t count, double scale) {
    memory.push_back(array::random<E>(count, scale, ++seed));
    bytes += memory.back().bytes();
    return static_cast<E*>(memory.back().data());
  };
  std::vector<decltype(make(some))> sets{make(some)};
  std::size_t const wanted = 2 * present_device().cache / bytes + 1;
  while (sets.size() < wanted && sets.size() < 64) sets.push_back(make(some));
  return sets;
}

/// A set with the policy's scratch memory.
template <class S>
struct token_set {
  token_arrays<S> arrays;
  float* scratch;
  std::size_t bytes;

  template <class Some>
  token_set(std::ptrdiff_t tokens, std::ptrdiff_t channels, Some const& some)
      : arrays(tokens, channels, some), bytes(cuda::workspace_bytes(arrays.kind, tokens)) {
    scratch = some.template operator()<float>(static_cast<std::ptrdiff_t>(bytes / sizeof(float)), 1);
  }
};

}  // namespace mhc::bench
