// SPDX-License-Identifier: MIT
// Hidden from other runs: it takes the device's memory away from everybody, and it must be the first in its process, for
// the driver keeps what it has once given to a kernel. (The kernel that had none is an unknown error to the driver from then
// on; all others run.)

#include "cuda/support/full.hpp"
#include "support/arrays.hpp"
#include "support/catch.hpp"

#include <mhc/ops/project/project.hpp>
#include <mhc/projections/sinkhorn.hpp>

using namespace mhc::test;

TEST_CASE("no memory on the device is an error in CUDA's words, and no more than that", "[.memory]") {
  constexpr int N = 6, K = N * N;
  constexpr std::ptrdiff_t batch = 1000;
  auto const z = gaussian<double>(batch * K, 1, 1), g = gaussian<double>(batch * K, 1, 2);
  auto const actual = run_on_full_device(z, g);
  CHECK_THAT(actual.words, contains("mhc::project_vjp: launching a kernel: cudaErrorMemoryAllocation: out of memory"));
  guarded<double> const zs(z);
  guarded<double> plan(batch * K);
  mhc::sinkhorn<> const projection{.gradient = mhc::gradient::unrolled};
  mhc::project(mhc::seq, projection, {zs.data(), batch}, mhc::batch_view<double, N>{plan.data(), batch});
  CHECK(relative_error(actual.plan, widen(plan.values())) <= 1e-13L);
}
