// expect-error: mhc::propagate_vjp: these execution policies have no wait_impl(later, earlier)
// SPDX-License-Identifier: MIT
#include <mhc/compose/stack.hpp>

struct policy {
  using execution_policy_tag = void;
};

void misuse(policy p, float const* parameters) {
  mhc::stack<mhc::residual<float>> const network{{.channels = 1}, 1};
  mhc::propagate_vjp(p, p, network, parameters, {}, {}, {}, {}, nullptr, [](auto...) {});
}
