// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/ops/contract/types.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/expand/cuda.cuh>

namespace mhc::cuda {

template <class S, int N>
void contract_impl(policy const& where, contraction how, stream_view<S const, N> x, token_view<S> u) {
  detail::require_device_memory("mhc::contract", "x", x.data, "u", u.data);
  launch_sum(where, "mhc::contract", detail::contraction_weight<coefficient_t<S>, N>(how), x, u);
}

template <class S, int N>
void contract_vjp_impl(policy const& where, contraction how, token_view<S const> u_gradient,
                       stream_view<S, N> x_gradient) {
  detail::require_device_memory("mhc::contract_vjp", "u_gradient", u_gradient.data, "x_gradient", x_gradient.data);
  launch_spread(where, "mhc::contract_vjp", detail::contraction_weight<coefficient_t<S>, N>(how), u_gradient,
                x_gradient);
}

}  // namespace mhc::cuda
