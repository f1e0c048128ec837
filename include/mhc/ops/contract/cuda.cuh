// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/ops/contract/types.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/expand/cuda.cuh>

namespace mhc::cuda {

template <class T, int N>
void contract_impl(policy const& where, contraction how, stream_view<T const, N> x, token_view<T> u) {
  detail::require_device_memory("mhc::contract", "x", x.data, "u", u.data);
  launch_sum(where, "mhc::contract", detail::contraction_weight<T, N>(how), x, u);
}

template <class T, int N>
void contract_vjp_impl(policy const& where, contraction how, token_view<T const> u_gradient,
                       stream_view<T, N> x_gradient) {
  detail::require_device_memory("mhc::contract_vjp", "u_gradient", u_gradient.data, "x_gradient", x_gradient.data);
  launch_spread(where, "mhc::contract_vjp", detail::contraction_weight<T, N>(how), u_gradient, x_gradient);
}

}  // namespace mhc::cuda
