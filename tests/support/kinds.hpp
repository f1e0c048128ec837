// SPDX-License-Identifier: MIT
#pragma once

// The kinds of residual connection with their references: coefficients, pre and the stack run over all of them.

#include "support/arrays.hpp"
#include "support/cases.hpp"
#include "support/reference.hpp"

#include <mhc/ops/coefficients/coefficients.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/pre/pre.hpp>
#include <mhc/projections/entropic.hpp>
#include <mhc/projections/sinkhorn.hpp>

#include <vector>

namespace mhc::test {

using paper = sinkhorn<convention::paper>;

inline reference::projection reference_of(paper const& p) { return {p.iterations}; }
inline reference::projection reference_of(entropic const&) { return {0}; }
template <class T>
reference::residual reference_of(residual<T> const&) {
  return {};
}
template <class T, int N>
reference::hyper_connection reference_of(hyper_connection<T, N> const& kind) {
  return {N, kind.dynamic, kind.norm_epsilon};
}
template <class T, int N, class P>
reference::connection reference_of(connection<T, N, P> const& kind) {
  return {N, reference_of(kind.projection), kind.norm_epsilon, kind.pre_epsilon, kind.post_scale};
}
template <class T, int N>
reference::head reference_of(head<T, N> const& kind) {
  return {N, kind.norm_epsilon, kind.pre_epsilon};
}

/// The kinds under test, by name; `make` sets fields off their defaults, so that one which is forgotten shows.
struct plain {
  template <class T, int N>
  static residual<T> make(std::ptrdiff_t channels) {
    static_assert(N == 1);
    return {channels};
  }
};
struct hc_static {
  template <class T, int N>
  static hyper_connection<T, N> make(std::ptrdiff_t channels) {
    return {.channels = channels, .dynamic = false};
  }
};
struct hc_dynamic {
  template <class T, int N>
  static hyper_connection<T, N> make(std::ptrdiff_t channels) {
    return {.channels = channels, .norm_epsilon = T(.25)};
  }
};
struct mhc_sinkhorn {
  template <class T, int N>
  static connection<T, N, paper> make(std::ptrdiff_t channels) {
    return {.channels = channels,
            .projection = {.iterations = 20},
            .norm_epsilon = T(.125),
            .pre_epsilon = T(.0625),
            .post_scale = T(1.5)};
  }
};
struct mhc_entropic {
  template <class T, int N>
  static connection<T, N, entropic> make(std::ptrdiff_t channels) {
    return {.channels = channels};
  }
};

template <class P, class S, int Streams, class K>
struct kind_case : test_case<P, S, Streams> {
  using kind = K;
  using T = coefficient_t<S>;
  using type = decltype(K::template make<T, Streams>(1));
  static type make(std::ptrdiff_t channels) { return K::template make<T, Streams>(channels); }
};

template <class T, int N, class K>
using on_both = std::tuple<kind_case<cpu::sequential_policy, T, N, K>, kind_case<simd_t, T, N, K>>;

using kind_cases =
    joined<on_both<double, 1, plain>, on_both<double, 2, hc_static>, on_both<double, 3, hc_dynamic>,
           on_both<double, 4, hc_dynamic>, on_both<double, 2, mhc_sinkhorn>, on_both<double, 4, mhc_sinkhorn>,
           on_both<double, 3, mhc_entropic>, on_both<float, 4, hc_dynamic>, on_both<float, 4, mhc_sinkhorn>,
           on_both<float, 3, mhc_entropic>>;
/// One of each, vectors only.
using kind_simd_cases = std::tuple<kind_case<simd_t, float, 1, plain>, kind_case<simd_t, double, 2, hc_static>,
                                   kind_case<simd_t, float, 3, hc_dynamic>, kind_case<simd_t, float, 4, mhc_sinkhorn>,
                                   kind_case<simd_t, double, 2, mhc_entropic>>;

/// Parameters in one array, as `parameters_at` cuts it; scores and biases of order 1.
template <class Kind, class T = typename Kind::element>
std::vector<T> random_parameters(Kind const& kind, unsigned seed = 11) {
  auto p = gaussian<T>(parameter_count(kind), 1, seed);
  for (std::ptrdiff_t k = 0; k < phi_size(kind); ++k) p[static_cast<std::size_t>(k)] *= T(.5);
  return p;
}

/// The same as the reference takes them.
template <class Kind, class T>
reference::arrays split(Kind const& kind, std::vector<T> const& p) {
  auto const f = phi_size(kind), a = alpha_size(kind);
  return {widen(p, 0, f), widen(p, f, a), widen(p, f + a, bias_size(kind))};
}

/// Roundings that meet in one number: sums of N·C terms, and some N for gates and contracted iterations.
template <class T>
T chain(int n, std::ptrdiff_t channels) {
  return T(n * channels + 16 * n) * eps<T>;
}

template <class S, class T = coefficient_t<S>>
struct coefficient_values {
  std::vector<T> pre, post, res;
  std::vector<S> u;
  std::vector<T> scores = {};
};

/// With u or without it: `pre` or `coefficients`. `keep`: with the scores.
template <class Case, class S = typename Case::value, class T = coefficient_t<S>>
coefficient_values<S> run_gates(bool with_u, typename Case::type const& kind, std::vector<T> const& parameters,
                                std::vector<S> const& x, typename Case::policy const& policy = typename Case::policy{},
                                bool keep = false) {
  constexpr int N = Case::n;
  std::ptrdiff_t const channels = kind.channels, batch = static_cast<std::ptrdiff_t>(x.size()) / (N * channels);
  guarded<S> const xs(x);
  guarded<T> const ps(parameters);
  using score_view = mhc::score_view<typename Case::type, T>;
  guarded<T> scores(keep ? batch * kept_numbers<typename Case::type> : 0);
  auto const kept = keep ? score_view{scores.data(), batch} : score_view{};
  guarded<T> pre(batch * N), post(batch * N), res(batch * N * N);
  guarded<S> u(with_u ? batch * channels : 0);
  auto const p = parameters_at(kind, ps.data());
  stream_view<S const, N> const xv{xs.data(), batch, channels};
  if (with_u) {
    mhc::pre(policy, kind, p, xv, {pre.data(), batch}, {post.data(), batch}, {res.data(), batch},
             {u.data(), batch, channels}, kept);
  } else {
    mhc::coefficients(policy, kind, p, xv, {pre.data(), batch}, {post.data(), batch}, {res.data(), batch}, kept);
  }
  return {pre.values(), post.values(), res.values(), u.values(), scores.values()};
}

/// What comes back: gradients of x and of all parameters.
template <class S, class T = coefficient_t<S>>
struct gate_gradients {
  std::vector<S> x;
  std::vector<T> parameters;
};

/// The cotangents of a batch; `first` is that of u for `pre_vjp`, that of H_pre for `coefficients_vjp`.
template <class T>
struct cotangents {
  std::vector<T> first, post, res;
};

/// That of u as streams of S hold it.
template <class S = void, class Kind, class T = typename Kind::element>
cotangents<T> random_cotangents(bool with_u, Kind const& kind, std::ptrdiff_t batch, unsigned seed = 31) {
  constexpr int N = Kind::streams;
  auto first = gaussian<T>(batch * (with_u ? kind.channels : N), 1, seed);
  if constexpr (!std::is_void_v<S>)
    if (with_u) first = rounded<S>(first);
  return {first, gaussian<T>(batch * N, 1, seed + 1), gaussian<T>(batch * N * N, 1, seed + 2)};
}

/// Starts from `start`: x_gradient holds it where the mode accumulates, parameters_gradient always. From kept scores, if
/// there are any.
template <class Case, class S = typename Case::value, class T = coefficient_t<S>>
gate_gradients<S> run_gates_vjp(bool with_u, typename Case::type const& kind, std::vector<T> const& parameters,
                                std::vector<S> const& x, cotangents<T> const& g,
                                typename Case::policy const& policy = typename Case::policy{},
                                update mode = update::overwrite, T start = 0, std::vector<T> const& scores = {}) {
  constexpr int N = Case::n;
  std::ptrdiff_t const channels = kind.channels, batch = static_cast<std::ptrdiff_t>(x.size()) / (N * channels);
  guarded<S> const xs(x), ug = stored<S>(with_u ? g.first : std::vector<T>{});
  guarded<T> const ps(parameters), first(g.first), post(g.post), res(g.res), kept(scores);
  using score_view = mhc::score_view<typename Case::type, T const>;
  auto const sv = scores.empty() ? score_view{} : score_view{kept.data(), batch};
  guarded<S> xg(static_cast<std::ptrdiff_t>(x.size()), mode == update::accumulate ? S(start) : not_a_number<S>);
  guarded<T> pg(parameter_count(kind), start);
  auto const p = parameters_at(kind, ps.data());
  auto const q = parameters_at(kind, pg.data());
  stream_view<S const, N> const xv{xs.data(), batch, channels};
  stream_view<S, N> const xgv{xg.data(), batch, channels};
  if (with_u) {
    mhc::pre_vjp(policy, kind, p, xv, {ug.data(), batch, channels}, {post.data(), batch}, {res.data(), batch}, xgv, q,
                 mode, sv);
  } else {
    mhc::coefficients_vjp(policy, kind, p, xv, {first.data(), batch}, {post.data(), batch}, {res.data(), batch}, xgv, q,
                          mode, sv);
  }
  return {xg.values(), pg.values()};
}

template <class Kind, class T, class S>
coefficient_values<long double> expected_gates(bool with_u, Kind const& kind, std::vector<T> const& parameters,
                                               std::vector<S> const& x) {
  std::ptrdiff_t const row = Kind::streams * kind.channels;
  auto const p = split(kind, parameters);
  coefficient_values<long double> e;
  auto const add = [](std::vector<long double>& to, std::vector<long double> const& from) {
    to.insert(to.end(), from.begin(), from.end());
  };
  for (std::ptrdiff_t at = 0; at < static_cast<std::ptrdiff_t>(x.size()); at += row) {
    auto const token = widen(x, at, row);
    auto const h = reference_of(kind)(reference::parameters<long double>{p[0], p[1], p[2]}, token);
    add(e.pre, h.pre), add(e.post, h.post), add(e.res, h.res);
    if (with_u) add(e.u, reference::aggregate(h.pre, token));
  }
  return e;
}

template <class Kind, class T, class X>
gate_gradients<long double> expected_gates_vjp(bool with_u, Kind const& kind, std::vector<T> const& parameters,
                                               std::vector<X> const& x, cotangents<T> const& g) {
  constexpr std::ptrdiff_t n = Kind::streams;
  std::ptrdiff_t const row = n * kind.channels, batch = static_cast<std::ptrdiff_t>(x.size()) / row;
  auto const p = split(kind, parameters);
  gate_gradients<long double> e{{}, std::vector<long double>(parameters.size(), 0)};
  std::ptrdiff_t const width = with_u ? kind.channels : n;
  for (std::ptrdiff_t b = 0; b < batch; ++b) {
    auto const first = widen(g.first, b * width, width), post = widen(g.post, b * n, n),
               res = widen(g.res, b * n * n, n * n);
    auto const loss = [&](auto const& in) {
      using S = typename std::decay_t<decltype(in[0])>::value_type;
      auto const h = reference_of(kind)(reference::parameters<S>{in[1], in[2], in[3]}, in[0]);
      auto const direct = with_u ? reference::aggregate(h.pre, in[0]) : h.pre;
      return reference::contraction(first, direct) + reference::contraction(post, h.post) +
             reference::contraction(res, h.res);
    };
    auto const d = reference::gradients(loss, {widen(x, b * row, row), p[0], p[1], p[2]});
    e.x.insert(e.x.end(), d[0].begin(), d[0].end());
    std::size_t k = 0;
    for (std::size_t part = 1; part < 4; ++part)
      for (auto const value : d[part]) e.parameters[k++] += value;
  }
  return e;
}

}  // namespace mhc::test
