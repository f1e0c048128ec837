// expect-error: mhc::mix: no backend for this execution policy in this translation unit
// SPDX-License-Identifier: MIT
#include <mhc/ops/mix_pre/mix_pre.hpp>

struct policy {
  using execution_policy_tag = void;
};

void misuse(policy p) {
  mhc::mix_pre(p, {}, {}, mhc::stream_view<float, 1>{}, {}, mhc::residual<float>{}, {}, {}, {}, {}, {}, {});
}
