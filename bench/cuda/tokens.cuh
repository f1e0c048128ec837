// SPDX-License-Identifier: MIT
#pragma once

#include "sets.cuh"

namespace mhc::bench {

template <class S>
void time_tokens(std::ptrdiff_t tokens, std::ptrdiff_t channels, report const& say) {
  std::vector<array> memory;
  auto const sets = rotating(memory, [&](auto const& some) { return token_set<S>(tokens, channels, some); });
  for_each_token_operation<S>(tokens, channels, [&](char const* name, double bytes, auto const& run) {
    auto const t = time(sets.size(), [&](cudaStream_t stream, std::size_t k) {
      run(cuda::policy{stream, sets[k].scratch, sets[k].bytes}, sets[k].arrays);
    });
    say({name, bytes, t.microseconds, t.spread});
  });
}

}  // namespace mhc::bench
