// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/tile.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/rows.cuh>

namespace mhc::cuda {

template <class T, int N>
__global__ void marginal_error_kernel(batch_view<T const, N> plan, vector_view<T, 1> error) {
  detail::for_each_row<T, N * N>(plan.size, [&](auto const& rows) {
    auto const p = rows.template load<math::tile<T, N>>(plan.data);
    if (rows.mine()) error.data[rows.row()] = math::marginal_error(p);
  });
}

template <class T, int N>
void marginal_error_impl(policy const& where, batch_view<T const, N> plan, vector_view<T, 1> error) {
  detail::require_device_memory("mhc::marginal_error", "plan", plan.data, "error", error.data);
  detail::launch_over_rows<T, N * N>(where, "mhc::marginal_error", marginal_error_kernel<T, N>, plan.size, plan, error);
}

}  // namespace mhc::cuda
