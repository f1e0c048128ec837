// SPDX-License-Identifier: MIT
// Hidden from other runs: it takes the device's memory away from everybody, and it must be the first in its process, for
// the driver keeps what it has once given to a kernel.

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
  CHECK_THAT(actual.words, contains("mhc::project") && contains("launching a kernel") && contains("out of memory"));
  guarded<double> const zs(z), gs(g);
  guarded<double> plan(batch * K), gradient(batch * K);
  mhc::sinkhorn<> const projection{.gradient = mhc::gradient::unrolled};
  mhc::project(mhc::seq, projection, {zs.data(), batch}, mhc::batch_view<double, N>{plan.data(), batch});
  mhc::project_vjp(mhc::seq, projection, {zs.data(), batch}, mhc::batch_view<double const, N>{plan.data(), batch},
                   {gs.data(), batch}, {gradient.data(), batch});
  CHECK(relative_error(actual.plan, widen(plan.values())) <= 1e-13L);
  CHECK(relative_error(actual.gradient, widen(gradient.values())) <= 1e-12L);
}
