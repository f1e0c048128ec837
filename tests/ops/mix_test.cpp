// SPDX-License-Identifier: MIT
#include "support/arrays.hpp"
#include "support/cases.hpp"
#include "support/reference.hpp"
#include "support/refusals.hpp"

#include <mhc/ops/mix/mix.hpp>

using namespace mhc::test;
using mhc::stream_view;
using mhc::update;

/// Inputs of `mix`, the cotangent g of x_next, and where one token lies in them.
template <int N, class T>
struct problem {
  std::ptrdiff_t batch, channels;
  std::vector<T> res = gaussian<T>(batch * N * N, 1, 1), post = gaussian<T>(batch * N, 1, 2),
                 x = gaussian<T>(batch * N * channels, 1, 3), y = gaussian<T>(batch * channels, 1, 4),
                 g = gaussian<T>(batch * N * channels, 1, 5);
};

template <class T>
std::vector<T> rows(std::vector<T> const& a, std::ptrdiff_t batch, std::ptrdiff_t first, std::ptrdiff_t count = 1) {
  auto const row = static_cast<std::ptrdiff_t>(a.size()) / std::max<std::ptrdiff_t>(batch, 1);
  return {a.begin() + first * row, a.begin() + (first + count) * row};
}

template <int N, class T>
problem<N, T> token(problem<N, T> const& in, std::ptrdiff_t b) {
  return {1,
          in.channels,
          rows(in.res, in.batch, b),
          rows(in.post, in.batch, b),
          rows(in.x, in.batch, b),
          rows(in.y, in.batch, b),
          rows(in.g, in.batch, b)};
}

template <class T>
struct gradients_of {
  std::vector<T> res, post, x, y;
};

template <class Case, class T = typename Case::value, int N = Case::n>
std::vector<T> mix(problem<N, T> const& in, typename Case::policy const& policy = {}, bool in_place = false) {
  auto const [b, c] = std::pair(in.batch, in.channels);
  guarded<T> const res(in.res), post(in.post), y(in.y);
  guarded<T> x(in.x), other(b * N * c);
  auto& next = in_place ? x : other;
  mhc::mix(policy, {res.data(), b}, {post.data(), b}, stream_view<T, N>{x.data(), b, c}, {y.data(), b, c},
           {next.data(), b, c});
  return next.values();
}

template <class Case, class T = typename Case::value, int N = Case::n>
gradients_of<T> mix_vjp(problem<N, T> const& in, typename Case::policy const& policy = {}, bool in_place = false,
                        update mode = update::overwrite, T start = not_a_number<T>) {
  auto const [b, c] = std::pair(in.batch, in.channels);
  guarded<T> const res(in.res), post(in.post), x(in.x), y(in.y);
  guarded<T> g(in.g), other(b * N * c, start), res_gradient(b * N * N), post_gradient(b * N), y_gradient(b * c);
  auto& x_gradient = in_place ? g : other;
  mhc::mix_vjp(policy, {res.data(), b}, {post.data(), b}, stream_view<T const, N>{x.data(), b, c}, {y.data(), b, c},
               {g.data(), b, c}, {res_gradient.data(), b}, {post_gradient.data(), b}, {x_gradient.data(), b, c},
               {y_gradient.data(), b, c}, mode);
  return {res_gradient.values(), post_gradient.values(), x_gradient.values(), y_gradient.values()};
}

template <class T>
bool same(gradients_of<T> const& a, gradients_of<T> const& b) {
  return same_bits(a.res, b.res) && same_bits(a.post, b.post) && same_bits(a.x, b.x) && same_bits(a.y, b.y);
}

TEMPLATE_LIST_TEST_CASE("mix agrees with its definition, in place too", "[ops][mix]", all_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : channel_counts())
    for (std::ptrdiff_t const batch : {0, 1, 3}) {
      CAPTURE(N, channels, batch);
      problem<N, T> const in{batch, channels};
      std::vector<long double> e;
      for (std::ptrdiff_t b = 0; b < batch; ++b) {
        auto const t = token(in, b);
        auto const next = reference::mix(widen(t.res), widen(t.post), widen(t.x), widen(t.y));
        e.insert(e.end(), next.begin(), next.end());
      }
      auto const next = mix<TestType>(in);
      REQUIRE(error(next, e) <= T(N + 1) * eps<T> * largest(in.res) * largest(in.x));  // N + 1 products and sums
      REQUIRE(same_bits(mix<TestType>(in, {}, true), next));
    }
}

TEMPLATE_LIST_TEST_CASE("gradients of mix", "[ops][mix][gradient]", some_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : {1, 7, 9, 37}) {
    CAPTURE(N, channels);
    problem<N, T> const in{2, channels};
    gradients_of<long double> e;
    for (std::ptrdiff_t b = 0; b < in.batch; ++b) {
      auto const t = token(in, b);
      auto const g = widen(t.g);
      auto const loss = [&](auto const& at) {
        return reference::contraction(g, reference::mix(at[0], at[1], at[2], at[3]));
      };
      auto const d = reference::gradients(loss, {widen(t.res), widen(t.post), widen(t.x), widen(t.y)});
      e.res.insert(e.res.end(), d[0].begin(), d[0].end());
      e.post.insert(e.post.end(), d[1].begin(), d[1].end());
      e.x.insert(e.x.end(), d[2].begin(), d[2].end());
      e.y.insert(e.y.end(), d[3].begin(), d[3].end());
    }
    auto const d = mix_vjp<TestType>(in);
    REQUIRE(relative_error(d.res, e.res) <= T(channels) * eps<T>);  // sums over channels
    REQUIRE(relative_error(d.post, e.post) <= T(channels) * eps<T>);
    REQUIRE(relative_error(d.x, e.x) <= T(N) * eps<T>);  // sums over streams
    REQUIRE(relative_error(d.y, e.y) <= T(N) * eps<T>);
    REQUIRE(same(mix_vjp<TestType>(in, {}, true), d));

    auto const more = mix_vjp<TestType>(in, {}, false, update::accumulate, T(2));
    for (auto& v : e.x) v += 2;
    REQUIRE(relative_error(more.x, e.x) <= T(N + 1) * eps<T>);
    REQUIRE(same_bits(more.res, d.res));
    REQUIRE(same_bits(more.post, d.post));
    REQUIRE(same_bits(more.y, d.y));
  }
}

// More than 4 streams are summed piece by piece.
using long_row_cases = joined<few_cases, over_n<mhc::simd_t, float, 5, 8>, over_n<mhc::simd_t, double, 8>>;

TEMPLATE_LIST_TEST_CASE("gradients of mix over long rows", "[ops][mix][gradient]", long_row_cases) {
  // ∂/∂H = g xᵀ and ∂/∂h = g y, ∂/∂x = Hᵀ g and ∂/∂y = hᵀ g as plain sums in long double
  using T = typename TestType::value;
  constexpr std::size_t N = TestType::n;
  for (std::ptrdiff_t const channels : {129, 257, 1025, 20011}) {
    problem<TestType::n, T> const in{1, channels};
    auto const d = mix_vjp<TestType>(in);
    T const bound = T(400) * eps<T> * std::sqrt(T(channels));  // relative to |g||x|, added in pieces
    std::size_t const C = static_cast<std::size_t>(channels);
    std::vector<long double> x((N + 1) * C);  // of the streams, and of y behind them
    for (std::size_t i = 0; i < N; ++i)
      for (std::size_t j = 0; j <= N; ++j) {
        long double sum = 0;
        auto const* right = j < N ? in.x.data() + j * C : in.y.data();
        auto const h = static_cast<long double>(j < N ? in.res[i * N + j] : in.post[i]);
        for (std::size_t c = 0; c < C; ++c) {
          sum += static_cast<long double>(in.g[i * C + c]) * right[c];
          x[j * C + c] += h * in.g[i * C + c];
        }
        REQUIRE(std::abs((j < N ? d.res[i * N + j] : d.post[i]) - sum) <= bound);
      }
    std::vector<long double> const y(x.begin() + static_cast<std::ptrdiff_t>(N * C), x.end());
    x.resize(N * C);
    REQUIRE(relative_error(d.x, x) <= T(N) * eps<T>);
    REQUIRE(relative_error(d.y, y) <= T(N) * eps<T>);
  }
}

TEMPLATE_LIST_TEST_CASE("a doubly stochastic H_res keeps the mean of the streams and spreads no further",
                        "[ops][mix][law]", double_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  problem<N, T> in{1, 9};
  std::fill(in.post.begin(), in.post.end(), T(0));
  for (std::size_t i = 0; i < N; ++i)  // (1 − p) I + p · (shift by one)
    for (std::size_t j = 0; j < N; ++j)
      in.res[i * N + j] = (i == j ? T(.75) : T(0)) + ((i + 1) % N == j ? T(.25) : T(0));
  auto const next = mix<TestType>(in);
  for (std::size_t c = 0; c < 9; ++c) {
    std::vector<T> before, after;
    for (std::size_t i = 0; i < N; ++i) before.push_back(in.x[i * 9 + c]), after.push_back(next[i * 9 + c]);
    std::sort(before.begin(), before.end());
    std::sort(after.begin(), after.end());
    T below = 0, above = 0;
    for (std::size_t i = 0; i < N; ++i) {  // majorisation: partial sums of the smallest
      below += before[i], above += after[i];
      REQUIRE(below <= above + T(8 * N) * eps<T>);
    }
    REQUIRE(std::abs(below - above) <= T(8 * N) * eps<T>);
  }
}

TEMPLATE_LIST_TEST_CASE("mix: neither neighbours nor threads show in a bit", "[ops][mix][law]", simd_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : {3, 129}) {
    problem<N, T> const in{41, channels};
    auto const next = mix<TestType>(in);
    auto const d = mix_vjp<TestType>(in);
    for (int const threads : {1, 2, 3, 4, 0}) {
      REQUIRE(same_bits(mix<TestType>(in, mhc::simd.with_threads(threads)), next));
      REQUIRE(same(mix_vjp<TestType>(in, mhc::simd.with_threads(threads)), d));
    }
    for (std::ptrdiff_t const b : {0, 17, 40}) {
      REQUIRE(same_bits(mix<TestType>(token(in, b)), rows(next, in.batch, b)));
      REQUIRE(same(mix_vjp<TestType>(token(in, b)), gradients_of<T>{rows(d.res, in.batch, b), rows(d.post, in.batch, b),
                                                                    rows(d.x, in.batch, b), rows(d.y, in.batch, b)}));
    }
  }
}

TEMPLATE_LIST_TEST_CASE("mix: a NaN or infinity stays in its token", "[ops][mix][nonfinite]", few_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  problem<N, T> const in{5, 11};
  auto const next = mix<TestType>(in);
  auto const d = mix_vjp<TestType>(in);
  for (T const bad : {not_a_number<T>, infinity<T>}) {
    auto spoiled = in;
    for (auto* v : {&spoiled.res, &spoiled.post, &spoiled.x, &spoiled.y, &spoiled.g}) {
      auto const row = static_cast<std::ptrdiff_t>(v->size()) / 5;
      std::fill_n(v->begin() + 2 * row, row, bad);
    }
    auto const isolated = [](std::vector<T> const& with, std::vector<T> const& without) {
      for (std::size_t k = 0; k < with.size(); ++k)
        REQUIRE((k / (with.size() / 5) == 2 ? !std::isfinite(with[k]) : with[k] == without[k]));
    };
    isolated(mix<TestType>(spoiled), next);
    auto const e = mix_vjp<TestType>(spoiled);
    isolated(e.res, d.res), isolated(e.post, d.post), isolated(e.x, d.x), isolated(e.y, d.y);
  }
}
