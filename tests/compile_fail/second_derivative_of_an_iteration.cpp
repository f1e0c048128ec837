// expect-error: twice_differentiable
// SPDX-License-Identifier: MIT
#include <mhc/ops/project/project.hpp>
#include <mhc/projections/sinkhorn.hpp>

void misuse() { mhc::project_vjp_vjp(mhc::seq, mhc::sinkhorn<>{}, {}, mhc::batch_view<float, 4>{}, {}, {}, {}, {}); }
