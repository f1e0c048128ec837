// SPDX-License-Identifier: MIT

#include "support/kinds.hpp"

#include <mhc/ops/aggregate/aggregate.hpp>

using namespace mhc::test;
using mhc::update;

TEMPLATE_LIST_TEST_CASE("pre is coefficients, then aggregate", "[ops][pre]", kind_simd_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : {1, 7, 37, 300})
    for (std::ptrdiff_t const batch : {0, 1, 16, 35}) {
      CAPTURE(channels, batch);
      auto const kind = TestType::make(channels);
      auto const p = random_parameters(kind);
      auto const x = gaussian<T>(batch * N * channels, 1, 3);
      auto const h = run_gates<TestType>(false, kind, p, x), with_u = run_gates<TestType>(true, kind, p, x);
      REQUIRE(same_bits(h.pre, with_u.pre));
      REQUIRE(same_bits(h.post, with_u.post));
      REQUIRE(same_bits(h.res, with_u.res));
      auto const e = expected_gates(true, kind, p, x);
      REQUIRE(error(with_u.u, e.u) <= T(2) * chain<T>(N, channels) * std::max(1.L, largest(e.u)));
      std::vector<T> u(with_u.u.size());
      mhc::aggregate(mhc::seq, {h.pre.data(), batch}, mhc::stream_view<T const, N>{x.data(), batch, channels},
                     {u.data(), batch, channels});
      REQUIRE(error(with_u.u, u) <= T(N) * eps<T> * largest(h.pre) * largest(x));
    }
}

template <class T>
bool same(coefficient_values<T> const& a, coefficient_values<T> const& b) {
  return same_bits(a.pre, b.pre) && same_bits(a.post, b.post) && same_bits(a.res, b.res) && same_bits(a.u, b.u);
}
template <class T>
bool same(gate_gradients<T> const& a, gate_gradients<T> const& b) {
  return same_bits(a.x, b.x) && same_bits(a.parameters, b.parameters);
}
template <class T>
std::vector<T> part(std::vector<T> const& a, std::ptrdiff_t batch, std::ptrdiff_t b) {
  auto const row = static_cast<std::ptrdiff_t>(a.size()) / batch;
  return {a.begin() + b * row, a.begin() + (b + 1) * row};
}

TEMPLATE_LIST_TEST_CASE("threads do not show in a bit, gradients of parameters included",
                        "[ops][pre][coefficients][law]", kind_simd_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (bool const with_u : {false, true})
    for (std::ptrdiff_t const channels : {9, 600})  // 600: pieces of up to 384 channels per stream, and many blocks
      for (std::ptrdiff_t const batch :
           {1, 7, 33, 150, 300}) {  // few: threads share blocks; 300: no room for all at once
        if (channels > 9 && batch > 150) continue;
        CAPTURE(with_u, channels, batch);
        auto const kind = TestType::make(channels);
        auto const p = random_parameters(kind);
        auto const x = gaussian<T>(batch * N * channels, 1, 3);
        auto const g = random_cotangents(with_u, kind, batch);
        auto const h = run_gates<TestType>(with_u, kind, p, x);
        auto const d = run_gates_vjp<TestType>(with_u, kind, p, x, g);
        for (int const threads : {1, 2, 3, 4, 0}) {
          auto const policy = mhc::simd.with_threads(threads);
          REQUIRE(same(run_gates<TestType>(with_u, kind, p, x, policy), h));
          REQUIRE(same(run_gates_vjp<TestType>(with_u, kind, p, x, g, policy), d));
        }
      }
}

TEMPLATE_LIST_TEST_CASE("neighbours do not show in a bit of a token", "[ops][pre][coefficients][law]",
                        kind_simd_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  std::ptrdiff_t const batch = 70;
  for (std::ptrdiff_t const channels : {21, 600}) {  // 600: several blocks of sums
    auto const kind = TestType::make(channels);
    auto const p = random_parameters(kind);
    auto const x = gaussian<T>(batch * N * channels, 1, 3);
    auto const g = random_cotangents(true, kind, batch);
    auto const h = run_gates<TestType>(true, kind, p, x);
    auto const d = run_gates_vjp<TestType>(true, kind, p, x, g);
    for (std::ptrdiff_t const b : {0, 1, 2, 3, 17, 63, 64, 69}) {
      CAPTURE(b);
      auto const one = part(x, batch, b);
      REQUIRE(same(run_gates<TestType>(true, kind, p, one),
                   {part(h.pre, batch, b), part(h.post, batch, b), part(h.res, batch, b), part(h.u, batch, b)}));
      auto const e = run_gates_vjp<TestType>(true, kind, p, one,
                                             {part(g.first, batch, b), part(g.post, batch, b), part(g.res, batch, b)});
      REQUIRE(same_bits(e.x, part(d.x, batch, b)));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("a NaN or infinity in a token stays in it", "[ops][pre][coefficients][nonfinite]",
                        kind_simd_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  std::ptrdiff_t const batch = 37, channels = 21, bad = 18;
  auto const kind = TestType::make(channels);
  auto const p = random_parameters(kind);
  auto const x = gaussian<T>(batch * N * channels, 1, 3);
  auto const g = random_cotangents(true, kind, batch);
  auto const h = run_gates<TestType>(true, kind, p, x);
  auto const d = run_gates_vjp<TestType>(true, kind, p, x, g);
  for (T const value : {not_a_number<T>, infinity<T>}) {
    auto spoiled = x;
    for (int i = 0; i < N; ++i) spoiled[static_cast<std::size_t>((bad * N + i) * channels + 5)] = value;  // every row
    auto const k = run_gates<TestType>(true, kind, p, spoiled);
    auto const e = run_gates_vjp<TestType>(true, kind, p, spoiled, g);
    for (std::ptrdiff_t b = 0; b < batch; ++b) {
      CAPTURE(b);
      auto const clean = [&](auto const& with, auto const& without) {
        REQUIRE(same_bits(part(with, batch, b), part(without, batch, b)));
      };
      if (b != bad) {
        clean(k.pre, h.pre), clean(k.post, h.post), clean(k.res, h.res), clean(k.u, h.u), clean(e.x, d.x);
      } else if (is_dynamic(kind)) {
        REQUIRE(all_nan(part(k.pre, batch, b)));
        REQUIRE(all_nan(part(k.post, batch, b)));
        REQUIRE(all_nan(part(k.res, batch, b)));
        REQUIRE(all_nan(part(k.u, batch, b)));
        REQUIRE(any_nan(part(e.x, batch, b)));
      }
    }
  }
}

TEMPLATE_LIST_TEST_CASE("parameters' gradients are added to, call after call", "[ops][pre][coefficients][gradient]",
                        kind_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  std::ptrdiff_t const batch = 5, channels = 6;
  auto const kind = TestType::make(channels);
  auto const p = random_parameters(kind);
  auto const x = gaussian<T>(batch * N * channels, 1, 3);
  auto const g = random_cotangents(true, kind, batch);
  auto const d = run_gates_vjp<TestType>(true, kind, p, x, g);
  auto const more = run_gates_vjp<TestType>(true, kind, p, x, g, {}, update::accumulate, T(1));
  for (std::size_t k = 0; k < p.size(); ++k)
    REQUIRE(std::abs(more.parameters[k] - (1 + d.parameters[k])) <=
            T(4 * batch) * eps<T> * T(1 + largest(d.parameters)));
  for (std::size_t k = 0; k < x.size(); ++k)  // 1 stands before, between and after contributions
    REQUIRE(std::abs(more.x[k] - (1 + d.x[k])) <= T(16 * N) * eps<T> * T(1 + largest(d.x)));
}
