// expect-error: mhc::project_vjp_vjp: no backend for this execution policy in this translation unit
// SPDX-License-Identifier: MIT
#include <mhc/ops/project/project.hpp>
#include <mhc/projections/entropic.hpp>

struct policy {
  using execution_policy_tag = void;
};

void misuse(policy p) { mhc::project_vjp_vjp(p, mhc::entropic{}, {}, mhc::batch_view<float, 4>{}, {}, {}, {}, {}); }
