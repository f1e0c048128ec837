// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/large_tensors.hpp>
#include <mhc/ops/mix/types.hpp>
#include <mhc/ops/sums.hpp>

#include <algorithm>
#include <cstddef>
#include <type_traits>

MHC_BEGIN_LANES

namespace mhc::detail {

/// One token on its way through `mix`.
template <class V, class S, int N>
class mixed_token {
  using T = coefficient_t<S>;
  using R = register_of<V>;

 public:
  MHC_ALWAYS_INLINE mixed_token(batch_view<T const, N> const& h_res, vector_view<T const, N> const& h_post,
                                stream_view<S const, N> const& x, token_view<S const> const& y,
                                stream_view<S, N> const& x_next, std::ptrdiff_t b)
      : res_(broadcast_row<math::tile<R, N>>(h_res.data + b * N * N)),
        post_(broadcast_row<math::vec<R, N>>(h_post.data + b * N)),
        from_(x, b),
        layer_(y, b),
        next_(x_next, b) {}

  /// Channels begin … begin + count − 1, while the same of the next token is asked for, see at_level_of.
  MHC_ALWAYS_INLINE void channels_asking(auto first_level, std::ptrdiff_t begin, std::ptrdiff_t count,
                                         bool past) const {
    for_channels<V>(count, [&](std::ptrdiff_t e, auto n) MHC_ALWAYS_INLINE {
      from_.prefetch_next(first_level, begin + e);
      layer_.prefetch_next(begin + e);
      mix(begin + e, n, past);
    });
  }
  /// Nothing is asked for.
  MHC_ALWAYS_INLINE void channels(std::ptrdiff_t begin, std::ptrdiff_t count, bool past) const {
    for_channels<V>(count, [&](std::ptrdiff_t e, auto n) MHC_ALWAYS_INLINE { mix(begin + e, n, past); });
  }

 private:
  MHC_ALWAYS_INLINE void mix(std::ptrdiff_t c, auto n, bool past) const {
    next_.store(past, math::mix(res_, post_, from_.load(c, n), layer_.load(c, n)[0]), c, n);
  }

  math::tile<R, N> res_;
  math::vec<R, N> post_;
  token_rows<V, S const, N> from_;
  token_rows<V, S const, 1> layer_;
  token_rows<V, S, N> next_;
};

/// What the gradients of a token's coefficients are sums of: its streams, what came back for them, and the layer's output.
template <class V, class S, int N>
struct mix_factors {
  token_rows<V, S const, N> gradient, from;
  token_rows<V, S const, 1> layer;

  template <int Part, int Parts>
  MHC_ALWAYS_INLINE void prefetch_next(std::ptrdiff_t c) const {
    gradient.template prefetch_next<Part, Parts>(std::false_type{}, c);
    from.template prefetch_next<Part, Parts>(std::false_type{}, c);
    layer.template prefetch_next<Part, Parts>(std::false_type{}, c);
  }
};

/// With more than 4 streams the sums do not fit the registers: a pass over row_ahead channels for each quarter of them, and
/// then one more for the gradients of x and y. Each asks for as much of what comes next, which is the next such piece.
inline constexpr int sum_passes = 4;

/// res += g xᵀ and post += g y for Rows rows from Row on and Columns columns from Column on, over n channels from `begin`.
template <int Row, int Rows, int Column, int Columns, class V, class S, int N, class R>
MHC_ALWAYS_INLINE inline void add_some_sums(mix_factors<V, S, N> const& factors, std::ptrdiff_t begin, std::ptrdiff_t n,
                                            math::tile<R, N>& res, math::vec<R, N>& post) {
  constexpr int pass = 2 * (Row != 0) + (Column != 0);
  R res_sum[Rows][Columns], post_sum[Rows];
  MHC_UNROLL for (int i = 0; i < Rows; ++i) {
    post_sum[i] = post[Row + i];
    MHC_UNROLL for (int j = 0; j < Columns; ++j) res_sum[i][j] = res.at[Row + i][Column + j];
  }
  for_channels<V>(n, [&](std::ptrdiff_t e, auto some) MHC_ALWAYS_INLINE {
    using math::add_product;
    std::ptrdiff_t const c = begin + e;
    factors.template prefetch_next<pass, sum_passes + 1>(c);
    auto const g = factors.gradient.template load<Row, Rows>(c, some);
    auto const x = factors.from.template load<Column, Columns>(c, some);
    MHC_UNROLL for (int i = 0; i < Rows; ++i) MHC_UNROLL for (int j = 0; j < Columns; ++j)
        add_product(g[i], x[j], res_sum[i][j]);
    if constexpr (Column == 0) {
      V const y = factors.layer.load(c, some)[0];
      MHC_UNROLL for (int i = 0; i < Rows; ++i) add_product(g[i], y, post_sum[i]);
    }
  });
  MHC_UNROLL for (int i = 0; i < Rows; ++i) {
    post[Row + i] = post_sum[i];
    MHC_UNROLL for (int j = 0; j < Columns; ++j) res.at[Row + i][Column + j] = res_sum[i][j];
  }
}

}  // namespace mhc::detail

namespace mhc::cpu {

/// Neighbouring channels in the lanes, tokens over the threads.
template <class Arch, bool Threads, class T, class S, int N>
void mix_impl(simd_policy<Arch, Threads> const& policy, batch_view<T const, N> h_res, vector_view<T const, N> h_post,
              stream_view<S const, N> x, token_view<S const> y, stream_view<S, N> x_next) {
  using V = detail::line_lanes<S, Arch>;
  auto const to = x.data == x_next.data ? detail::destination::cache : detail::destination::by_size;
  detail::at_level_of(x, detail::writing::streams, [&](auto first_level) MHC_ALWAYS_INLINE {
    for_each_token<V>(policy, x_next, to, [&](std::ptrdiff_t b, bool past) MHC_FLATTEN {
      detail::mixed_token<V, S, N> const token(h_res, h_post, x, y, x_next, b);
      token.channels_asking(first_level, 0, x.channels, past);
    });
  });
}

/// All four gradients in one pass: x, y and ∂loss/∂x' are read once.
template <class Arch, bool Threads, class S, int N>
void mix_vjp_impl(simd_policy<Arch, Threads> const& policy, mix_vjp_arguments<S, N> const& a,
                  detail::destination where = detail::destination::by_size) {
  using T = coefficient_t<S>;
  using V = detail::line_lanes<S, Arch, N>;
  using R = detail::register_of<V>;
  bool const adds = a.x_gradient_update == update::accumulate;
  if (adds || a.x_gradient.data == a.x_next_gradient.data) where = detail::destination::cache;
  for_each_token<V>(policy, a.x_gradient, where, [&](std::ptrdiff_t b, bool past) MHC_FLATTEN {
    auto const res = detail::broadcast_row<math::tile<R, N>>(a.h_res.data + b * N * N);
    auto const post = detail::broadcast_row<math::vec<R, N>>(a.h_post.data + b * N);
    detail::mix_factors<V, S, N> const factors{detail::rows_of<V>(a.x_next_gradient, b), detail::rows_of<V>(a.x, b),
                                               detail::rows_of<V>(a.y, b)};
    auto const to = detail::rows_of<V>(a.x_gradient, b);
    auto const to_layer = detail::rows_of<V>(a.y_gradient, b);
    math::tile<R, N> res_total;
    MHC_UNROLL for (int k = 0; k < N * N; ++k) res_total[k] = R(T(0));
    auto post_total = math::filled<N>(R(T(0)));
    auto const streams_and_layer = [&](std::ptrdiff_t c, auto n, math::vec<V, N> const& g) MHC_ALWAYS_INLINE {
      auto gx = math::mix_transposed(res, g);
      if (adds) math::add_scaled(V(T(1)), to.load(c, n), gx);
      to.store(past, gx, c, n);
      to_layer.store(false, {math::aggregate(post, g)}, c, n);
    };
    if constexpr (N <= 4) {
      detail::for_channels<V>(a.x.channels, [&](std::ptrdiff_t c, auto n) MHC_ALWAYS_INLINE {
        factors.template prefetch_next<0, 1>(c);
        auto const g = factors.gradient.load(c, n), x = factors.from.load(c, n);
        math::add_outer(g, x, res_total);
        math::add_scaled(factors.layer.load(c, n)[0], g, post_total);
        streams_and_layer(c, n, g);
      });
    } else {
      constexpr int half = (N + 1) / 2, rest = N - half;
      static_assert(detail::row_ahead<S> % detail::width<V> == 0);
      for (std::ptrdiff_t c = 0; c < a.x.channels; c += detail::row_ahead<S>) {
        std::ptrdiff_t const n = std::min(detail::row_ahead<S>, a.x.channels - c);
        detail::add_some_sums<0, half, 0, half>(factors, c, n, res_total, post_total);
        detail::add_some_sums<0, half, half, rest>(factors, c, n, res_total, post_total);
        detail::add_some_sums<half, rest, 0, half>(factors, c, n, res_total, post_total);
        detail::add_some_sums<half, rest, half, rest>(factors, c, n, res_total, post_total);
        detail::for_channels<V>(n, [&](std::ptrdiff_t e, auto some) MHC_ALWAYS_INLINE {
          factors.template prefetch_next<detail::sum_passes, detail::sum_passes + 1>(c + e);
          streams_and_layer(c + e, some, factors.gradient.load(c + e, some));
        });
      }
    }
    detail::sums_of_lanes(res_total, a.h_res_gradient.data + b * N * N);
    detail::sums_of_lanes(post_total, a.h_post_gradient.data + b * N);
  });
}

}  // namespace mhc::cpu

MHC_END_LANES
