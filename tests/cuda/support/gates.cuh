// SPDX-License-Identifier: MIT
#pragma once

#include "cuda/support/staged.cuh"

#include <mhc/ops/gates/gates.hpp>

namespace mhc::test {

template <class Kind, class T, class S, int N>
void gates_impl(device_policy const& policy, Kind const& kind, parameters_of<Kind, T const> const& parameters,
                stream_view<S const, N> x, detail::gate_outputs<S, N> const& out) {
  staged on(policy);
  auto const p = on(kind, parameters);
  detail::gate_outputs<S, N> const to{on(out.h_pre), on(out.h_post), on(out.h_res), on(out.u), on(out.scores)};
  auto const from = on(x);
  cuda::gates_impl(on.policy(cuda::workspace_bytes(kind, x.size)), kind, p, from, to);
  on.finish();
}

template <class Kind, class T, class S, int N>
void gates_vjp_impl(device_policy const& policy, Kind const& kind, parameters_of<Kind, T const> const& parameters,
                    stream_view<S const, N> x, detail::gate_output_gradients<S, N> const& in,
                    stream_view<S, N> x_gradient, parameters_of<Kind, T> const& parameters_gradient, update mode) {
  staged on(policy);
  auto const p = on(kind, parameters);
  auto const from = on(x);
  detail::gate_output_gradients<S, N> const g{on(in.u), on(in.h_pre), on(in.h_post), on(in.h_res), on(in.scores)};
  auto const xg = on(x_gradient);
  auto const pg = on(kind, parameters_gradient);
  cuda::gates_vjp_impl(on.policy(cuda::workspace_bytes(kind, x.size)), kind, p, from, g, xg, pg, mode);
  on.finish();
}

}  // namespace mhc::test

#define MHC_GATES_ON_DEVICE(S, N, ...)                                                                             \
  namespace mhc::test {                                                                                            \
  template void gates_impl(device_policy const&, __VA_ARGS__ const&,                                               \
                           parameters_of<__VA_ARGS__, coefficient_t<S> const> const&, stream_view<S const, N>,     \
                           detail::gate_outputs<S, N> const&);                                                     \
  template void gates_vjp_impl(device_policy const&, __VA_ARGS__ const&,                                           \
                               parameters_of<__VA_ARGS__, coefficient_t<S> const> const&, stream_view<S const, N>, \
                               detail::gate_output_gradients<S, N> const&, stream_view<S, N>,                      \
                               parameters_of<__VA_ARGS__, coefficient_t<S>> const&, update);                       \
  }
