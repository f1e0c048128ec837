// SPDX-License-Identifier: MIT
// More elements than 32 bits count, which only the memory of a GPU holds. Filled by bytes: a float of bytes 0x3f.

#include "cuda/support/large.hpp"
#include "cuda/support/memory.cuh"

#include <mhc/ops/expand/expand.hpp>
#include <mhc/ops/project/project.hpp>
#include <mhc/projections/sinkhorn.hpp>

namespace mhc::test {

bool large_arrays_fit() {
  std::size_t available = 0, total = 0;
  return cudaMemGetInfo(&available, &total) == cudaSuccess && available > (std::size_t{16} << 30);
}

std::vector<float> end_of_large_expand() {
  constexpr std::ptrdiff_t tokens = (1 << 20) + 3, channels = 1027, size = tokens * channels;
  device_array<float> const y(size, 0x3f), x(2 * size);
  expand(cuda::policy{}, {y.data(), tokens, channels}, stream_view<float, 2>{x.data(), tokens, channels});
  return x.values(2 * size - 5000, 5000);
}

std::vector<float> end_of_large_projection() {
  constexpr std::ptrdiff_t batch = (1 << 27) + 5;
  device_array<float> const p(16 * batch, 0x3f);
  project(cuda::policy{}, sinkhorn<>{}, vector_view<float const, 16>{p.data(), batch},
          batch_view<float, 4>{p.data(), batch});
  return p.values(16 * batch - 5000, 5000);
}

}  // namespace mhc::test
