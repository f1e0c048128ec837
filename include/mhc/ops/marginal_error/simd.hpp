// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/rows.hpp>

MHC_BEGIN_LANES

namespace mhc::cpu {

template <class Arch, bool Threads, class T, int N>
void marginal_error_impl(simd_policy<Arch, Threads> const& policy, batch_view<T const, N> plan,
                         vector_view<T, 1> error) {
  using V = detail::lanes<T, Arch>;
  for_each_group<detail::width<V>>(policy, plan.size, [&](std::ptrdiff_t first, std::ptrdiff_t n) {
    auto const p = detail::load_rows<math::tile<V, N>>(plan.data, first, n);
    detail::store_channels(math::marginal_error(p), error.data + first, n);
  });
}

}  // namespace mhc::cpu

MHC_END_LANES
