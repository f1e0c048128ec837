// SPDX-License-Identifier: MIT
#pragma once

// All operations on streams at once, for any policy and element.

#include "support/arrays.hpp"

#include <mhc/ops/aggregate/aggregate.hpp>
#include <mhc/ops/contract/contract.hpp>
#include <mhc/ops/expand/expand.hpp>
#include <mhc/ops/mix/mix.hpp>

#include <map>
#include <string>
#include <vector>

namespace mhc::test {

/// Inputs of every operation on streams of S.
template <class S, int N>
struct stream_problem {
  using T = coefficient_t<S>;
  std::ptrdiff_t batch, channels;
  std::vector<T> res, post;
  std::vector<S> x, y, g, gu;

  stream_problem(std::ptrdiff_t b, std::ptrdiff_t c, unsigned seed)
      : batch(b),
        channels(c),
        res(gaussian<T>(b * N * N, 1, seed)),
        post(gaussian<T>(b * N, 1, seed + 1)),
        x(gaussian<S>(b * N * c, 1, seed + 2)),
        y(gaussian<S>(b * c, 1, seed + 3)),
        g(gaussian<S>(b * N * c, 1, seed + 4)),
        gu(gaussian<S>(b * c, 1, seed + 5)) {}
};

/// By name, those of coefficients with " h_" in it.
using results = std::map<std::string, std::vector<long double>>;

/// Every operation on streams of S, holding the numbers of `in` whatever S is.
template <class S, int N, class Policy, class U>
results run_streams(Policy const& policy, stream_problem<U, N> const& in) {
  using T = coefficient_t<S>;
  std::ptrdiff_t const b = in.batch, c = in.channels;
  auto const coefficients = [](auto const& a) { return guarded<T>(std::vector<T>(a.begin(), a.end())); };
  auto const res = coefficients(in.res), post = coefficients(in.post);
  auto const y = stored<S>(in.y), gu = stored<S>(in.gu);
  auto x = stored<S>(in.x), g = stored<S>(in.g);
  stream_view<S const, N> const xv{x.data(), b, c}, gv{g.data(), b, c};
  results r;
  {
    guarded<S> next(b * N * c);
    mhc::mix(policy, {res.data(), b}, {post.data(), b}, xv, {y.data(), b, c}, {next.data(), b, c});
    r["mix"] = widen(next.values());
  }
  for (auto const mode : {update::overwrite, update::accumulate}) {
    std::string const suffix = mode == update::overwrite ? "" : " accumulated";
    guarded<T> rg(b * N * N), pg(b * N), hg(b * N);
    S const start = mode == update::overwrite ? not_a_number<S> : S(2);
    guarded<S> xg(b * N * c, start), yg(b * c), ag(b * N * c, start);
    mhc::mix_vjp(policy, {res.data(), b}, {post.data(), b}, xv, {y.data(), b, c}, gv, {rg.data(), b}, {pg.data(), b},
                 {xg.data(), b, c}, {yg.data(), b, c}, mode);
    r["mix_vjp h_res" + suffix] = widen(rg.values());
    r["mix_vjp h_post" + suffix] = widen(pg.values());
    r["mix_vjp x" + suffix] = widen(xg.values());
    r["mix_vjp y" + suffix] = widen(yg.values());
    mhc::aggregate_vjp(policy, {post.data(), b}, xv, {gu.data(), b, c}, {hg.data(), b}, {ag.data(), b, c}, mode);
    r["aggregate_vjp h_pre" + suffix] = widen(hg.values());
    r["aggregate_vjp x" + suffix] = widen(ag.values());
  }
  for (auto const how : {contraction::sum, contraction::mean}) {
    std::string const name = how == contraction::sum ? "sum" : "mean";
    guarded<S> u(b * c), xg(b * N * c);
    mhc::contract(policy, how, xv, {u.data(), b, c});
    mhc::contract_vjp(policy, how, {gu.data(), b, c}, stream_view<S, N>{xg.data(), b, c});
    r["contract " + name] = widen(u.values());
    r["contract_vjp " + name] = widen(xg.values());
  }
  guarded<S> u(b * c), xe(b * N * c), ye(b * c);
  mhc::aggregate(policy, {post.data(), b}, xv, {u.data(), b, c});
  mhc::expand(policy, {y.data(), b, c}, stream_view<S, N>{xe.data(), b, c});
  mhc::expand_vjp(policy, xv, {ye.data(), b, c});
  r["aggregate"] = widen(u.values());
  r["expand"] = widen(xe.values());
  r["expand_vjp"] = widen(ye.values());
  // in place, last: x and g are spoiled
  mhc::mix(policy, {res.data(), b}, {post.data(), b}, xv, {y.data(), b, c}, {x.data(), b, c});
  r["mix in place"] = widen(x.values());
  auto const again = stored<S>(in.x);
  guarded<T> rg(b * N * N), pg(b * N);
  guarded<S> yg(b * c);
  mhc::mix_vjp(policy, {res.data(), b}, {post.data(), b}, stream_view<S const, N>{again.data(), b, c}, {y.data(), b, c},
               gv, {rg.data(), b}, {pg.data(), b}, {g.data(), b, c}, {yg.data(), b, c});
  r["mix_vjp x in place"] = widen(g.values());
  return r;
}

}  // namespace mhc::test
