// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/large_tensors.hpp>
#include <mhc/ops/mix/types.hpp>

MHC_BEGIN_LANES

namespace mhc::cpu {

/// Neighbouring channels in the lanes, tokens over the threads.
template <class Arch, bool Threads, class T, class S, int N>
void mix_impl(simd_policy<Arch, Threads> const& policy, batch_view<T const, N> h_res, vector_view<T const, N> h_post,
              stream_view<S const, N> x, token_view<S const> y, stream_view<S, N> x_next) {
  using V = detail::line_lanes<S, Arch>;
  using R = detail::register_of<V>;
  for_each_token<V>(policy, x_next, x.data == x_next.data, [&](std::ptrdiff_t b, auto past) MHC_FLATTEN {
    auto const res = detail::broadcast_row<math::tile<R, N>>(h_res.data + b * N * N);
    auto const post = detail::broadcast_row<math::vec<R, N>>(h_post.data + b * N);
    auto const from = detail::rows_of<V>(x, b);
    auto const layer = detail::rows_of<V>(y, b);
    auto const to = detail::rows_of<V>(x_next, b);
    detail::for_channels<V>(x.channels, [&](std::ptrdiff_t c, auto n) MHC_ALWAYS_INLINE {
      from.prefetch_next(c);
      layer.prefetch_next(c);
      to.store(past, math::mix(res, post, from.load(c, n), layer.load(c, n)[0]), c, n);
    });
  });
}

/// All four gradients in one pass: x, y and ∂loss/∂x' are read once.
template <class Arch, bool Threads, class S, int N>
void mix_vjp_impl(simd_policy<Arch, Threads> const& policy, mix_vjp_arguments<S, N> const& a) {
  using T = coefficient_t<S>;
  using V = detail::line_lanes<S, Arch, N>;
  using R = detail::register_of<V>;
  bool const adds = a.x_gradient_update == update::accumulate;
  bool const is_read = adds || a.x_gradient.data == a.x_next_gradient.data;
  for_each_token<V>(policy, a.x_gradient, is_read, [&](std::ptrdiff_t b, auto past) MHC_FLATTEN {
    auto const res = detail::broadcast_row<math::tile<R, N>>(a.h_res.data + b * N * N);
    auto const post = detail::broadcast_row<math::vec<R, N>>(a.h_post.data + b * N);
    auto const from = detail::rows_of<V>(a.x, b), gradient = detail::rows_of<V>(a.x_next_gradient, b);
    auto const to = detail::rows_of<V>(a.x_gradient, b);
    auto const layer = detail::rows_of<V>(a.y, b);
    auto const to_layer = detail::rows_of<V>(a.y_gradient, b);
    math::tile<R, N> res_total;
    MHC_UNROLL for (int k = 0; k < N * N; ++k) res_total[k] = R(T(0));
    auto post_total = math::filled<N>(R(T(0)));
    detail::for_channels<V>(a.x.channels, [&](std::ptrdiff_t c, auto n) MHC_ALWAYS_INLINE {
      gradient.prefetch_next(c);
      from.prefetch_next(c);
      layer.prefetch_next(c);
      auto const g = gradient.load(c, n), column = from.load(c, n);
      math::add_outer(g, column, res_total);
      math::add_scaled(layer.load(c, n)[0], g, post_total);
      auto gx = math::mix_transposed(res, g);
      if (adds) math::add_scaled(V(T(1)), to.load(c, n), gx);
      to.store(past, gx, c, n);
      to_layer.store(std::false_type{}, {math::aggregate(post, g)}, c, n);
    });
    T* const res_gradient = a.h_res_gradient.data + b * N * N;
    MHC_UNROLL for (int k = 0; k < N * N; ++k) res_gradient[k] = detail::sum_of_lanes(res_total[k]);
    MHC_UNROLL for (int i = 0; i < N; ++i) a.h_post_gradient(b, i) = detail::sum_of_lanes(post_total[i]);
  });
}

}  // namespace mhc::cpu

MHC_END_LANES
