// expect-error: mhc::project of a matrix_view: no backend for this execution policy in this translation unit
// SPDX-License-Identifier: MIT
#include <mhc/ops/project_matrix/project_matrix.hpp>
#include <mhc/projections/sinkhorn.hpp>

struct policy {
  using execution_policy_tag = void;
};

void misuse(policy p) { mhc::project(p, mhc::sinkhorn<>{}, {}, mhc::matrix_view<float>{}, {}); }
