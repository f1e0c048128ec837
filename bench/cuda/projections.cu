// SPDX-License-Identifier: MIT
#include "sets.cuh"

namespace mhc::bench {

void time_projections(std::ptrdiff_t matrices, report const& say) {
  std::vector<array> memory;
  auto const sets = rotating(memory, [&](auto const& some) { return matrix_arrays(matrices, some); });
  for_each_projection(matrices, [&](char const* name, double bytes, auto const& run) {
    auto const t = time(sets.size(), [&](cudaStream_t stream, std::size_t k) { run(cuda::policy{stream}, sets[k]); });
    say({name, bytes, t.microseconds, t.spread});
  });
}

}  // namespace mhc::bench
