// SPDX-License-Identifier: MIT
#pragma once

// φ of 16 bits against the same φ in float, for any policy: bit for bit, whatever reads it, but where x and φ of bfloat16
// are multiplied as such, in another order.

#include "support/kinds.hpp"

#include <mhc/ops/contract/contract.hpp>
#include <mhc/ops/mix_pre/mix_pre.hpp>

namespace mhc::test {

/// All that parameters go into, with streams of S, as floats.
template <class S, class Policy, class Kind>
std::vector<std::vector<float>> all_of_parameters(Policy const& policy, Kind const& kind, std::ptrdiff_t b,
                                                  parameters_of<Kind, float const> const& p) {
  constexpr int N = Kind::streams;
  std::ptrdiff_t const c = kind.channels;
  guarded<S> const x(gaussian<S>(b * N * c, 1, 3)), u(gaussian<S>(b * c, 1, 4)), y(gaussian<S>(b * c, 1, 5));
  guarded<float> const gpre(gaussian<float>(b * N, 1, 6)), gpost(gaussian<float>(b * N, 1, 7)),
      gres(gaussian<float>(b * N * N, 1, 8));
  stream_view<S const, N> const xv{x.data(), b, c};
  token_view<S const> const uv{u.data(), b, c}, yv{y.data(), b, c};
  vector_view<float const, N> const gprev{gpre.data(), b}, gpostv{gpost.data(), b};
  batch_view<float const, N> const gresv{gres.data(), b};
  std::vector<std::vector<float>> all;
  auto const keep = [&all](auto const& of) { all.push_back({of.begin(), of.end()}); };

  guarded<float> phi_gradient(phi_size(kind), 1), alpha_gradient(Kind::alphas, 1), bias_gradient(scores_of<Kind>, 1);
  parameters_of<Kind, float> const pg{phi_gradient.data(), alpha_gradient.data(), bias_gradient.data()};
  auto const keep_gradients = [&] { keep(phi_gradient), keep(alpha_gradient), keep(bias_gradient); };

  guarded<float> pre(b * N), post(b * N), res(b * N * N);
  guarded<S> out(b * c), xg(b * N * c), yg(b * c), next(b * N * c);
  vector_view<float, N> const prev{pre.data(), b}, postv{post.data(), b};
  batch_view<float, N> const resv{res.data(), b};
  token_view<S> const outv{out.data(), b, c};
  stream_view<S, N> const xgv{xg.data(), b, c}, nextv{next.data(), b, c};
  auto const keep_values = [&] { keep(pre), keep(post), keep(res); };
  if constexpr (head_kind<Kind>) {
    contract(policy, kind, p, xv, prev, outv);
    keep(pre), keep(out);
    contract_vjp(policy, kind, p, xv, uv, xgv, pg);
    keep(xg), keep_gradients();
  } else {
    coefficients(policy, kind, p, xv, prev, postv, resv);
    keep_values();
    coefficients_vjp(policy, kind, p, xv, gprev, gpostv, gresv, xgv, pg);
    keep(xg), keep_gradients();
    mhc::pre(policy, kind, p, xv, prev, postv, resv, outv);
    keep_values(), keep(out);
    pre_vjp(policy, kind, p, xv, uv, gpostv, gresv, xgv, pg, update::accumulate);
    keep(xg), keep_gradients();
    mix_pre(policy, gresv, gpostv, xv, yv, kind, p, nextv, prev, postv, resv, outv);
    keep_values(), keep(out), keep(next);
    guarded<float> resg(b * N * N), postg(b * N);
    mix_pre_vjp(policy, gresv, gpostv, xv, yv, kind, p, stream_view<S const, N>(nextv), xgv, uv, gpostv, gresv,
                {resg.data(), b}, {postg.data(), b}, xgv, {yg.data(), b, c}, pg);
    keep(xg), keep(yg), keep(resg), keep(postg), keep_gradients();
  }
  return all;
}

/// with_phi<F, Kind> reads F as Kind reads the same numbers in float: up to the order of its sums, or to a bit.
template <class S, class F, class Policy, class Kind>
void check_phi_element(Policy const& policy, Kind const& kind, std::ptrdiff_t batch, bool in_another_order = false) {
  with_phi<F, Kind> const with{kind};
  REQUIRE(parameter_count(with) == parameter_count(kind));
  guarded<F> const phi(gaussian<F>(phi_size(kind), .5, 11));
  guarded<float> const alpha(gaussian<float>(alpha_size(kind), 1, 12)), bias(gaussian<float>(bias_size(kind), 1, 13));
  guarded<float> const wide(std::vector<float>(phi.begin(), phi.end()));
  auto const narrow = all_of_parameters<S>(policy, with, batch, {phi.data(), alpha.data(), bias.data()});
  auto const same = all_of_parameters<S>(policy, kind, batch, {wide.data(), alpha.data(), bias.data()});
  REQUIRE(narrow.size() == same.size());
  for (std::size_t k = 0; k < same.size(); ++k) {
    CAPTURE(k);
    if (in_another_order) {
      // terms of order 1, as many as a row has elements; each result of 16 bits may be rounded to a neighbour
      auto const bound = 4 * static_cast<float>(row_length(kind)) * eps<float> + 2 * rounding<S>;
      REQUIRE(error(narrow[k], same[k]) <= bound * std::max(1.L, largest(same[k])));
    } else {
      REQUIRE(same_bits(narrow[k], same[k]));
    }
  }
}

}  // namespace mhc::test
