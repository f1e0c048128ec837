// SPDX-License-Identifier: MIT
#include "sets.cuh"

#include <mhc/ops/marginal_error/marginal_error.hpp>
#include <mhc/ops/project/project.hpp>
#include <mhc/projections/entropic.hpp>
#include <mhc/projections/sinkhorn.hpp>

namespace mhc::bench {

void time_projections(std::ptrdiff_t matrices, report const& say) {
  constexpr int N = 4;
  std::ptrdiff_t const m = matrices * N * N;
  enum { logits, plan, g, out };
  rotating const sets({m, m, m, m});
  auto const view = [&](float* at) { return batch_view<float, N>{at, matrices}; };
  auto const timed = [&](char const* name, std::ptrdiff_t moved, auto const& run) {
    report_time(say, name, matrices, 0, moved, sets,
                [&](cudaStream_t stream, auto const& at) { run(cuda::policy{stream}, at); });
  };
  auto const vjp = [&](auto const& projection) {
    return [&](auto policy, auto const& at) {
      project_vjp(policy, projection, view(at(logits)), view(at(plan)), view(at(g)), view(at(out)));
    };
  };
  sinkhorn<> const unrolled{}, implicit{.gradient = gradient::implicit};
  timed("project sinkhorn", 2 * m,
        [&](auto policy, auto const& at) { project(policy, unrolled, view(at(logits)), view(at(plan))); });
  timed("project_vjp sinkhorn unrolled", 4 * m, vjp(unrolled));
  timed("project_vjp sinkhorn implicit", 4 * m, vjp(implicit));
  timed("project_jvp sinkhorn", 4 * m, [&](auto policy, auto const& at) {
    project_jvp(policy, unrolled, view(at(logits)), view(at(plan)), view(at(g)), view(at(out)));
  });
  timed("project entropic", 2 * m,
        [&](auto policy, auto const& at) { project(policy, entropic{}, view(at(logits)), view(at(plan))); });
  timed("marginal_error", m + matrices,
        [&](auto policy, auto const& at) { marginal_error(policy, view(at(plan)), {at(out), matrices}); });
}

}  // namespace mhc::bench
