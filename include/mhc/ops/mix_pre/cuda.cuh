// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/ops/gates/cuda.cuh>
#include <mhc/ops/mix/cuda.cuh>
#include <mhc/ops/mix_pre/types.hpp>

namespace mhc::cuda {

template <class Kind, class S>
void mix_pre_impl(policy const& where, detail::mix_pre_arguments<Kind, S> const& a) {
  mix_impl(where, a.h_res, a.h_post, a.x, a.y, a.x_next);
  gates_impl(where, a.kind, a.parameters, stream_view<S const, Kind::streams>(a.x_next), a.next);
}

template <class Kind, class S>
void mix_pre_vjp_impl(policy const& where, detail::mix_pre_vjp_arguments<Kind, S> const& a) {
  gates_vjp_impl(where, a.kind, a.parameters, a.x_next, a.next, a.x_next_gradient, a.parameters_gradient,
                 update::accumulate);
  mix_vjp_impl(where, a.mix);
}

}  // namespace mhc::cuda
