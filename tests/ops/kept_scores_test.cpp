// SPDX-License-Identifier: MIT
// Scores that forward keeps, and gradients that are taken from them.

#include "support/kinds.hpp"

#include <mhc/compose/stack.hpp>
#include <mhc/ops/contract/contract.hpp>
#include <mhc/ops/mix_pre/mix_pre.hpp>

using namespace mhc::test;
using mhc::update;

using cases = joined<on_both<double, 1, plain>, on_both<double, 2, hc_static>, on_both<float, 4, hc_dynamic>,
                     on_both<float, 4, mhc_sinkhorn>, on_both<double, 3, mhc_entropic>>;

TEMPLATE_LIST_TEST_CASE("kept scores are products with φ, and inverse norms", "[ops][pre][coefficients][scores]",
                        cases) {
  using T = typename TestType::value;
  using K = typename TestType::type;
  constexpr int N = TestType::n, width = mhc::kept_numbers<K>, scores = mhc::scores_of<K>;
  for (std::ptrdiff_t const channels : {1, 7, 300})
    for (std::ptrdiff_t const batch : {0, 1, 35, 140}) {
      CAPTURE(channels, batch);
      auto const kind = TestType::make(channels);
      auto const p = random_parameters(kind);
      auto const x = gaussian<T>(batch * N * channels, 1, 3);
      for (bool const with_u : {false, true}) {
        auto const h = run_gates<TestType>(with_u, kind, p, x, {}, true),
                   without = run_gates<TestType>(with_u, kind, p, x);
        REQUIRE(same_bits(h.pre, without.pre));
        REQUIRE(same_bits(h.post, without.post));
        REQUIRE(same_bits(h.res, without.res));
        REQUIRE(same_bits(h.u, without.u));
        if (!is_dynamic(kind)) {
          REQUIRE(all_nan(h.scores));  // as it was
          continue;
        }
        std::ptrdiff_t const length = row_length(kind);
        for (std::ptrdiff_t row = 0; row < batch * K::rows; ++row) {
          auto const* const from = x.data() + row * length;
          auto const* const kept = h.scores.data() + row / K::rows * width;
          long double square = 0;
          for (std::ptrdiff_t c = 0; c < length; ++c) square += static_cast<long double>(from[c]) * from[c];
          auto const inverse = 1 / std::sqrt(square / static_cast<long double>(length) + kind.norm_epsilon);
          REQUIRE(std::abs(kept[scores + row % K::rows] / inverse - 1) <= chain<T>(N, channels));
          for (int k = 0; k < K::scores_per_row; ++k) {
            long double sum = 0, terms = 0;
            for (std::ptrdiff_t c = 0; c < length; ++c) {
              auto const term = static_cast<long double>(p[static_cast<std::size_t>(k * length + c)]) * from[c];
              sum += term;
              terms += std::abs(term);
            }
            auto const actual = kept[row % K::rows * K::scores_per_row + k];
            REQUIRE(std::abs(actual - inverse * sum) <= chain<T>(N, channels) * inverse * terms);
          }
        }
      }
    }
}

TEMPLATE_LIST_TEST_CASE("gradients from kept scores have the bits of those that compute them again",
                        "[ops][pre][coefficients][gradient][scores]", cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : {9, 600})  // 600: too many for a block of tokens to stay in cache
    for (std::ptrdiff_t const batch : {1, 70, 150}) {
      if (channels > 9 && batch > 70) continue;
      auto const kind = TestType::make(channels);
      auto const p = random_parameters(kind);
      auto const x = gaussian<T>(batch * N * channels, 1, 3);
      for (bool const with_u : {false, true})
        for (auto const mode : {update::overwrite, update::accumulate}) {
          CAPTURE(channels, batch, with_u, mode == update::accumulate);
          auto const g = random_cotangents(with_u, kind, batch);
          auto const scores = run_gates<TestType>(with_u, kind, p, x, {}, true).scores;
          auto const again = run_gates_vjp<TestType>(with_u, kind, p, x, g, {}, mode, T(1));
          auto const kept = run_gates_vjp<TestType>(with_u, kind, p, x, g, {}, mode, T(1), scores);
          REQUIRE(same_bits(kept.x, again.x));
          REQUIRE(same_bits(kept.parameters, again.parameters));
          if constexpr (std::is_same_v<typename TestType::policy, mhc::simd_t>) {
            auto const two = mhc::simd.with_threads(2);
            REQUIRE(same_bits(run_gates<TestType>(with_u, kind, p, x, two, true).scores, scores));
            auto const threads = run_gates_vjp<TestType>(with_u, kind, p, x, g, two, mode, T(1), scores);
            REQUIRE(same_bits(threads.x, again.x));
            REQUIRE(same_bits(threads.parameters, again.parameters));
          }
        }
    }
}

/// Of these streams of a batch, tokens are all NaN where they should be, and as they were elsewhere.
template <class T>
void require_spoilt(std::vector<T> const& is, std::vector<T> const& was, std::ptrdiff_t batch, std::ptrdiff_t spoilt) {
  auto const row = static_cast<std::ptrdiff_t>(is.size()) / batch;
  for (std::ptrdiff_t b = 0; b < batch; ++b) {
    auto const token = [&](auto const& a) { return std::vector<T>(a.begin() + b * row, a.begin() + (b + 1) * row); };
    REQUIRE((b == spoilt ? all_nan(token(is)) : same_bits(token(is), token(was))));
  }
}

TEMPLATE_LIST_TEST_CASE("nothing but kept scores is looked at, and of static connections not even they",
                        "[ops][pre][coefficients][gradient][scores]", cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  std::ptrdiff_t const batch = 35, channels = 9, spoilt = 20, width = mhc::kept_numbers<typename TestType::type>;
  auto const kind = TestType::make(channels);
  auto const p = random_parameters(kind);
  auto const x = gaussian<T>(batch * N * channels, 1, 3);
  auto const g = random_cotangents(true, kind, batch);
  auto scores = run_gates<TestType>(true, kind, p, x, {}, true).scores;
  auto const clean = run_gates_vjp<TestType>(true, kind, p, x, g, {}, {}, T(0), scores).x;
  for (std::ptrdiff_t k = 0; k < width; ++k) scores[static_cast<std::size_t>(spoilt * width + k)] = not_a_number<T>;
  auto const d = run_gates_vjp<TestType>(true, kind, p, x, g, {}, {}, T(0), scores).x;
  require_spoilt(d, clean, batch, is_dynamic(kind) ? spoilt : -1);
}

TEMPLATE_TEST_CASE("mix_pre_vjp and propagate_vjp take the kept scores", "[ops][mix_pre][compose][gradient][scores]",
                   mhc::cpu::sequential_policy, mhc::simd_t) {
  using one = kind_case<TestType, float, 4, mhc_sinkhorn>;
  constexpr int N = 4, width = mhc::kept_numbers<typename one::type>;
  std::ptrdiff_t const batch = 5, channels = 9, spoilt = 3, size = batch * N * channels;
  mhc::stack<typename one::type> const network{one::make(channels), 2};
  auto const p = gaussian<float>(parameter_count(network), .3F);
  auto const x = gaussian<float>(size, 1, 3), g = gaussian<float>(size, 1, 4);
  auto const spoil = [&](float* scores) { std::fill_n(scores + spoilt * width, width, not_a_number<float>); };

  auto const through_stack = [&](bool spoils) {
    std::vector<float> memory(static_cast<std::size_t>(workspace_size(network, batch))), out(x.size()), xg(x.size()),
        pg(p.size());
    auto const copy = [](auto from, auto to) { std::copy_n(from.data, to.size * to.channels, to.data); };
    mhc::propagate(TestType{}, network, p.data(), {x.data(), batch, channels}, {out.data(), batch, channels}, memory,
                   [&](auto, auto u, auto y) { copy(u, y); });
    if (spoils)
      spoil(mhc::detail::stack_memory<typename one::type>(network, batch, memory.data()).coefficients(0).scores.data);
    mhc::propagate_vjp(TestType{}, network, p.data(), {x.data(), batch, channels}, memory, {g.data(), batch, channels},
                       {xg.data(), batch, channels}, pg.data(),
                       [&](auto, auto, auto, auto yg, auto ug) { copy(yg, ug); });
    return xg;
  };
  require_spoilt(through_stack(true), through_stack(false), batch, spoilt);

  auto const& kind = network.connection;
  auto scores =
      run_gates<one>(true, kind, std::vector<float>(p.begin(), p.begin() + parameter_count(kind)), x, {}, true).scores;
  auto const through_mix_pre = [&] {
    auto const u = gaussian<float>(batch * channels), h = gaussian<float>(batch * N),
               m = gaussian<float>(batch * N * N);
    std::vector<float> next = g, xg(x.size()), yg(u.size()), hg(h.size()), mg(m.size()), pg(p.size());
    mhc::mix_pre_vjp(TestType{}, {m.data(), batch}, {h.data(), batch},
                     mhc::stream_view<float const, N>{g.data(), batch, channels}, {u.data(), batch, channels}, kind,
                     parameters_at(kind, p.data()), {x.data(), batch, channels}, {next.data(), batch, channels},
                     {u.data(), batch, channels}, {h.data(), batch}, {m.data(), batch}, {mg.data(), batch},
                     {hg.data(), batch}, {xg.data(), batch, channels}, {yg.data(), batch, channels},
                     parameters_at(kind, pg.data()), {scores.data(), batch});
    return next;
  };
  auto const clean = through_mix_pre();
  spoil(scores.data());
  require_spoilt(through_mix_pre(), clean, batch, spoilt);
}

TEMPLATE_TEST_CASE("scores that the learned contract keeps", "[ops][contract][gradient][scores]",
                   mhc::cpu::sequential_policy, mhc::simd_t) {
  constexpr int N = 4;
  std::ptrdiff_t const batch = 70, channels = 21;
  mhc::head<float, N> const kind{.channels = channels, .norm_epsilon = .125f};
  auto const parameters = random_parameters(kind);
  auto const x = gaussian<float>(batch * N * channels, 1, 3), ug = gaussian<float>(batch * channels, 1, 4);
  auto const p = parameters_at(kind, parameters.data());
  mhc::stream_view<float const, N> const xv{x.data(), batch, channels};
  guarded<float> h(batch * N), u(batch * channels), scores(batch * (N + 1)), h_too(batch * N), u_too(batch * channels);
  mhc::contract(TestType{}, kind, p, xv, {h.data(), batch}, {u.data(), batch, channels}, {scores.data(), batch});
  mhc::contract(TestType{}, kind, p, xv, {h_too.data(), batch}, {u_too.data(), batch, channels});
  REQUIRE(same_bits(h.values(), h_too.values()));
  REQUIRE(same_bits(u.values(), u_too.values()));
  auto const run = [&](mhc::score_view<mhc::head<float, N>, float const> kept) {
    guarded<float> xg(batch * N * channels), pg(parameter_count(kind), 1.f);
    mhc::contract_vjp(TestType{}, kind, p, xv, {ug.data(), batch, channels}, {xg.data(), batch, channels},
                      parameters_at(kind, pg.data()), update::overwrite, kept);
    auto all = xg.values();
    for (float const v : pg.values()) all.push_back(v);
    return all;
  };
  auto const again = run({});
  REQUIRE(same_bits(run({scores.data(), batch}), again));
  scores.data()[N] *= 2;  // the first token's inverse norm
  REQUIRE_FALSE(same_bits(run({scores.data(), batch}), again));
}
