// SPDX-License-Identifier: MIT
#pragma once

#include "cuda/support/staged.cuh"

#include <mhc/ops/aggregate/aggregate.hpp>
#include <mhc/ops/contract/contract.hpp>
#include <mhc/ops/expand/expand.hpp>
#include <mhc/ops/mix/mix.hpp>

namespace mhc::test {

template <class T, class S, int N>
void aggregate_impl(device_policy const& policy, vector_view<T const, N> h_pre, stream_view<S const, N> x,
                    token_view<S> u) {
  staged on(policy);
  auto const h = on(h_pre);
  auto const from = on(x);
  auto const to = on(u);
  mhc::aggregate(on.policy(), h, from, to);
  on.finish();
}

template <class T, class S, int N>
void aggregate_vjp_impl(device_policy const& policy, vector_view<T const, N> h_pre, stream_view<S const, N> x,
                        token_view<S const> u_gradient, vector_view<T, N> h_pre_gradient, stream_view<S, N> x_gradient,
                        update mode) {
  staged on(policy);
  auto const h = on(h_pre);
  auto const from = on(x);
  auto const g = on(u_gradient);
  auto const hg = on(h_pre_gradient);
  auto const xg = on(x_gradient);
  mhc::aggregate_vjp(on.policy(), h, from, g, hg, xg, mode);
  on.finish();
}

template <class T, class S, int N>
void mix_impl(device_policy const& policy, batch_view<T const, N> h_res, vector_view<T const, N> h_post,
              stream_view<S const, N> x, token_view<S const> y, stream_view<S, N> x_next) {
  staged on(policy);
  auto const res = on(h_res);
  auto const post = on(h_post);
  auto const from = on(x);
  auto const layer = on(y);
  auto const to = on(x_next);
  mhc::mix(on.policy(), res, post, from, layer, to);
  on.finish();
}

template <class S, int N>
void mix_vjp_impl(device_policy const& policy, mix_vjp_arguments<S, N> const& a) {
  staged on(policy);
  mix_vjp_arguments<S, N> const d{
      on(a.h_res),          on(a.h_post),          on(a.x),          on(a.y),          on(a.x_next_gradient),
      on(a.h_res_gradient), on(a.h_post_gradient), on(a.x_gradient), on(a.y_gradient), a.x_gradient_update};
  mhc::mix_vjp(on.policy(), d.h_res, d.h_post, d.x, d.y, d.x_next_gradient, d.h_res_gradient, d.h_post_gradient,
               d.x_gradient, d.y_gradient, d.x_gradient_update);
  on.finish();
}

template <class S, int N>
void expand_impl(device_policy const& policy, token_view<S const> y, stream_view<S, N> x) {
  staged on(policy);
  auto const from = on(y);
  auto const to = on(x);
  mhc::expand(on.policy(), from, to);
  on.finish();
}

template <class S, int N>
void expand_vjp_impl(device_policy const& policy, stream_view<S const, N> x_gradient, token_view<S> y_gradient) {
  staged on(policy);
  auto const from = on(x_gradient);
  auto const to = on(y_gradient);
  mhc::expand_vjp(on.policy(), from, to);
  on.finish();
}

template <class S, int N>
void contract_impl(device_policy const& policy, contraction how, stream_view<S const, N> x, token_view<S> u) {
  staged on(policy);
  auto const from = on(x);
  auto const to = on(u);
  mhc::contract(on.policy(), how, from, to);
  on.finish();
}

template <class S, int N>
void contract_vjp_impl(device_policy const& policy, contraction how, token_view<S const> u_gradient,
                       stream_view<S, N> x_gradient) {
  staged on(policy);
  auto const from = on(u_gradient);
  auto const to = on(x_gradient);
  mhc::contract_vjp(on.policy(), how, from, to);
  on.finish();
}

}  // namespace mhc::test

#define MHC_STREAMS_ON_DEVICE(S, N)                                                                                   \
  namespace mhc::test {                                                                                               \
  template void aggregate_impl(device_policy const&, vector_view<coefficient_t<S> const, N>, stream_view<S const, N>, \
                               token_view<S>);                                                                        \
  template void aggregate_vjp_impl(device_policy const&, vector_view<coefficient_t<S> const, N>,                      \
                                   stream_view<S const, N>, token_view<S const>, vector_view<coefficient_t<S>, N>,    \
                                   stream_view<S, N>, update);                                                        \
  template void mix_impl(device_policy const&, batch_view<coefficient_t<S> const, N>,                                 \
                         vector_view<coefficient_t<S> const, N>, stream_view<S const, N>, token_view<S const>,        \
                         stream_view<S, N>);                                                                          \
  template void mix_vjp_impl(device_policy const&, mix_vjp_arguments<S, N> const&);                                   \
  template void expand_impl(device_policy const&, token_view<S const>, stream_view<S, N>);                            \
  template void expand_vjp_impl(device_policy const&, stream_view<S const, N>, token_view<S>);                        \
  template void contract_impl(device_policy const&, contraction, stream_view<S const, N>, token_view<S>);             \
  template void contract_vjp_impl(device_policy const&, contraction, token_view<S const>, stream_view<S, N>);         \
  }
