// SPDX-License-Identifier: MIT
#pragma once

#include "cuda/support/staged.cuh"

#include <mhc/ops/mix_pre/mix_pre.hpp>

namespace mhc::test {

template <class Kind, class S>
void mix_pre_impl(device_policy const& policy, detail::mix_pre_arguments<Kind, S> const& a) {
  staged on(policy);
  detail::mix_pre_arguments<Kind, S> const there{
      on(a.h_res),  on(a.h_post),
      on(a.x),      on(a.y),
      a.kind,       on(a.kind, a.parameters),
      on(a.x_next), {on(a.next.h_pre), on(a.next.h_post), on(a.next.h_res), on(a.next.u), on(a.next.scores)}};
  cuda::mix_pre_impl(on.policy(cuda::workspace_bytes(a.kind, a.x.size)), there);
  on.finish();
}

template <class Kind, class S>
void mix_pre_vjp_impl(device_policy const& policy, detail::mix_pre_vjp_arguments<Kind, S> const& a) {
  staged on(policy);
  auto const& m = a.mix;
  auto const gradient = on(a.x_next_gradient);
  detail::mix_pre_vjp_arguments<Kind, S> const there{
      a.kind,
      on(a.kind, a.parameters),
      on(a.x_next),
      {on(a.next.u), {}, on(a.next.h_post), on(a.next.h_res), on(a.next.scores)},
      gradient,
      {on(m.h_res), on(m.h_post), on(m.x), on(m.y), gradient, on(m.h_res_gradient), on(m.h_post_gradient),
       on(m.x_gradient), on(m.y_gradient), m.x_gradient_update},
      on(a.kind, a.parameters_gradient)};
  detail::mix_pre_vjp_impl(on.policy(cuda::workspace_bytes(a.kind, m.x.size)), there);
  on.finish();
}

}  // namespace mhc::test

#define MHC_MIX_PRE_ON_DEVICE(S, ...)                                                                         \
  namespace mhc::test {                                                                                       \
  template void mix_pre_impl(device_policy const&, detail::mix_pre_arguments<__VA_ARGS__, S> const&);         \
  template void mix_pre_vjp_impl(device_policy const&, detail::mix_pre_vjp_arguments<__VA_ARGS__, S> const&); \
  }
