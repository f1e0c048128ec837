// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/ops/gates/cuda.cuh>
#include <mhc/ops/mix/cuda.cuh>
#include <mhc/ops/mix_pre/types.hpp>

namespace mhc::cuda {

/// Few tokens of 16 bits in one launch. Of float `mix`, and then `pre` in one launch, is faster.
template <class Kind, class S>
void mix_pre_impl(policy const& where, detail::mix_pre_arguments<Kind, S> const& a) {
  constexpr char const* operation = "mhc::mix_pre";
  if constexpr (detail::fits_together<Kind, S> && sizeof(S) == 2) {
    if (a.x.size > 0 && is_dynamic(a.kind) &&
        a.x.size <= detail::most_tokens_together<S>) {  // as `pre` does, so that the bits are the same
      detail::require_device_memory(operation, "h_res", a.h_res.data, "h_post", a.h_post.data, "x", a.x.data, "y",
                                    a.y.data, "parameters.phi", a.parameters.phi, "parameters.alpha",
                                    a.parameters.alpha, "parameters.bias", a.parameters.bias, "x_next", a.x_next.data,
                                    "next_h_pre", a.next.h_pre.data, "next_h_post", a.next.h_post.data, "next_h_res",
                                    a.next.h_res.data, "u", a.next.u.data, "next_scores", a.next.scores.data);
      detail::gates_workspace<Kind> const memory(a.kind, a.x.size, nullptr);
      detail::workspace_of(where, operation, memory.forward_bytes());
      if (detail::launch_together<true>(where, operation, a)) return;
    }
  }
  mix_impl(where, a.h_res, a.h_post, a.x, a.y, a.x_next);
  gates_impl(where, a.kind, a.parameters, stream_view<S const, Kind::streams>(a.x_next), a.next);
}

}  // namespace mhc::cuda
