// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/contract/types.hpp>
#include <mhc/ops/tiles.hpp>

namespace mhc::cpu {

template <class S, int N>
void contract_impl(sequential_policy const&, contraction how, stream_view<S const, N> x, token_view<S> u) {
  auto const weight = math::filled<N>(detail::contraction_weight<coefficient_t<S>, N>(how));
  for (std::ptrdiff_t b = 0; b < x.size; ++b)
    for (std::ptrdiff_t c = 0; c < x.channels; ++c)
      u.token(b)[c] = S(math::aggregate(weight, detail::load_channel<N>(x.stream(b, 0), x.channels, c)));
}

template <class S, int N>
void contract_vjp_impl(sequential_policy const&, contraction how, token_view<S const> u_gradient,
                       stream_view<S, N> x_gradient) {
  auto const weight = detail::contraction_weight<coefficient_t<S>, N>(how);
  for (std::ptrdiff_t b = 0; b < x_gradient.size; ++b)
    for (int i = 0; i < N; ++i)
      for (std::ptrdiff_t c = 0; c < x_gradient.channels; ++c)
        x_gradient.stream(b, i)[c] = S(weight * u_gradient.token(b)[c]);
}

}  // namespace mhc::cpu
