// SPDX-License-Identifier: MIT
// Does the emulation see what goes wrong? Every barrier of the library's kernels is left out once, and its absence has
// to show in a result.

#include "cuda/support/device.hpp"
#include "cuda_emulation/fibers.hpp"
#include "support/kinds.hpp"

#include <mhc/ops/aggregate/aggregate.hpp>
#include <mhc/ops/project/project.hpp>
#include <mhc/projections/permutation.hpp>

using namespace mhc::test;

namespace {

/// Everything that a barrier can spoil.
std::vector<std::vector<float>> results() {
  std::vector<std::vector<float>> all;
  using kind = kind_case<device_policy, float, 4, mhc_sinkhorn>;
  auto const connection = kind::make(264);
  auto const p = random_parameters(connection), x = gaussian<float>(70 * 4 * 264, 1, 2);
  auto const h = run_gates<kind>(true, connection, p, x);
  auto const d = run_gates_vjp<kind>(true, connection, p, x, random_cotangents(true, connection, 70));
  for (auto const& part : {h.pre, h.post, h.res, h.u, d.x, d.parameters}) all.push_back(part);

  guarded<float> const xs(x), us(gaussian<float>(70 * 264, 1, 6));
  guarded<float> hg(70 * 4), xg(70 * 4 * 264);
  mhc::aggregate_vjp(device_policy{}, mhc::vector_view<float const, 4>{us.data(), 70},
                     mhc::stream_view<float const, 4>{xs.data(), 70, 264}, {us.data(), 70, 264}, {hg.data(), 70},
                     {xg.data(), 70, 264});
  all.push_back(hg.values());

  guarded<float> const z(gaussian<float>(700 * 16, 1, 3)), g(gaussian<float>(700 * 16, 1, 4));
  guarded<float> plan(700 * 16), gradient(700 * 16);
  mhc::vector_view<float const, 16> const zv{z.data(), 700};
  mhc::project(device_policy{}, mhc::sinkhorn<>{.iterations = 3}, zv, mhc::batch_view<float, 4>{plan.data(), 700});
  mhc::project_vjp(device_policy{}, mhc::sinkhorn<>{.iterations = 3}, zv,
                   mhc::batch_view<float const, 4>{plan.data(), 700}, {g.data(), 700}, {gradient.data(), 700});
  all.push_back(plan.values());
  all.push_back(gradient.values());
  guarded<float> const long_rows(gaussian<float>(700 * 24, 1, 5));  // stored in rows of another length
  mhc::project(device_policy{}, mhc::permutation{}, {long_rows.data(), 700},
               mhc::batch_view<float, 4>{plan.data(), 700});
  all.push_back(plan.values());
  return all;
}

bool same(std::vector<std::vector<float>> const& a, std::vector<std::vector<float>> const& b) {
  bool equal = a.size() == b.size();
  for (std::size_t k = 0; k < a.size() && equal; ++k) equal = same_bits(a[k], b[k]);
  return equal;
}

}  // namespace

TEST_CASE("a barrier that is left out shows", "[emulation]") {
  using namespace cuda_emulation;
  most_blocks = 1;
  watch_barriers = true;
  barriers_met.clear();
  auto const right = results();
  auto const places = barriers_met;
  REQUIRE(places.size() > 8);
  for (unsigned const order : {1U, 5U}) {
    thread_order = order;
    CHECK(same(results(), right));  // the order of the threads does not show
  }
  for (auto const& where : places) {
    bool seen = false;
    for (unsigned order = 0; order < 6 && !seen; ++order) {
      thread_order = order;
      barrier_left_out = where;
      seen = !same(results(), right);
    }
    CAPTURE(where.first, where.second);
    CHECK(seen);
  }
  barrier_left_out = {};
  watch_barriers = false;
  thread_order = 0;
  most_blocks = 0xffffffff;
}
