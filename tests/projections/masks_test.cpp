// SPDX-License-Identifier: MIT
// Logits of −infinity: zeros of the plan, where they leave a scaling; refused where they do not.

#include "support/project.hpp"
#include "support/refusals.hpp"

#include <numeric>

using namespace mhc::test;

namespace {

/// A mask that falls apart: rows and columns of piece p, in an order that mixes the pieces.
template <int N>
struct pieces {
  std::vector<std::vector<std::size_t>> rows, columns;
};

template <int N>
pieces<N> split(std::vector<std::size_t> const& sizes) {
  pieces<N> s;
  std::size_t next = 0;
  for (std::size_t const size : sizes) {
    std::vector<std::size_t> rows, columns;
    for (std::size_t k = 0; k < size; ++k, ++next) {
      rows.push_back((3 * next + 1) % N);
      columns.push_back((5 * next + 2) % N);
    }
    s.rows.push_back(rows);
    s.columns.push_back(columns);
  }
  return s;
}

/// f(piece of `a`) for every piece of every matrix, put together again; elsewhere `outside`.
template <int N, class A, class F>
std::vector<long double> piecewise(pieces<N> const& s, std::vector<A> const& a, F const& f, long double outside) {
  std::vector<long double> result(a.size(), outside);
  for (std::size_t base = 0; base < a.size(); base += N * N)
    for (std::size_t p = 0; p < s.rows.size(); ++p) {
      std::vector<long double> part;
      for (auto const i : s.rows[p])
        for (auto const j : s.columns[p]) part.push_back(a[base + i * N + j]);
      auto const value = f(part, base, p);
      std::size_t k = 0;
      for (auto const i : s.rows[p])
        for (auto const j : s.columns[p]) result[base + i * N + j] = value[k++];
    }
  return result;
}

template <class T, int N>
std::vector<T> masked(pieces<N> const& s, std::vector<T> const& logits) {
  auto const wide = piecewise<N>(s, logits, [](auto const& part, auto, auto) { return part; }, -infinity<long double>);
  return {wide.begin(), wide.end()};
}

using mask_cases = joined<both_policies<double, 4, 7>, both_policies<float, 4, 7>>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("a mask that falls apart is projected piece by piece", "[projections][entropic][mask]",
                        mask_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  std::ptrdiff_t const batch = 2 * lane_count<T> + 1;
  for (auto const& sizes : {std::vector<std::size_t>{N - 1, 1}, {2, N - 2}, std::vector<std::size_t>(N, 1), {N}})
    for (double const sigma : {1., 3., 10.}) {
      CAPTURE(sizes, sigma);
      auto const s = split<N>(sizes);
      auto const logits = masked<T, N>(s, gaussian<T>(batch * N * N, sigma));
      auto const g = gaussian<T>(batch * N * N, 1, 3);
      // as in entropic_test and entropic_vjp_test
      T const bound = (T(4 * N * N) + T(16) * T(sigma)) * eps<T>;
      auto const plan = piecewise<N>(
          s, logits,
          [](auto const& part, auto, auto) {
            return reference::exact(part, static_cast<std::size_t>(std::lround(std::sqrt(part.size()))));
          },
          0);
      REQUIRE(error(project<TestType>(mhc::entropic{}, logits), plan) <= bound);
      auto const gradient = piecewise<N>(
          s, logits,
          [&](auto const& part, std::size_t base, std::size_t p) {
            std::vector<long double> weight;
            for (auto const i : s.rows[p])
              for (auto const j : s.columns[p]) weight.push_back(g[base + i * N + j]);
            auto const n = s.rows[p].size();
            auto const loss = [&](auto const& in) {
              return reference::contraction(weight, reference::exact(in[0], n));
            };
            return reference::gradients(loss, {part})[0];
          },
          0);
      auto const actual = project_vjp<TestType>(mhc::entropic{}, logits, g);
      REQUIRE(error(actual, gradient) <= 8 * N * bound);
      for (std::size_t k = 0; k < logits.size(); ++k)
        if (std::isinf(logits[k])) REQUIRE(actual[k] == 0);
    }
}

TEMPLATE_LIST_TEST_CASE("a ring of two entries per line in closed form", "[projections][entropic][mask]", mask_cases) {
  // P = p I + (1 − p) Shift: the product of the ratios along the ring is (p / (1 − p))^N
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  std::ptrdiff_t const batch = 2 * lane_count<T> + 1;
  for (double const sigma : {1., 10.}) {
    auto logits = gaussian<T>(batch * N * N, sigma, 4);
    std::vector<long double> expected(logits.size(), 0);
    for (std::size_t base = 0; base < logits.size(); base += N * N) {
      long double sum = 0;
      for (std::size_t i = 0; i < N; ++i)
        sum += static_cast<long double>(logits[base + i * N + i]) - logits[base + i * N + (i + 1) % N];
      for (std::size_t i = 0; i < N; ++i)
        for (std::size_t j = 0; j < N; ++j) {
          bool const stays = i == j, moves = (i + 1) % N == j;
          if (!stays && !moves) logits[base + i * N + j] = -infinity<T>;
          if (stays) expected[base + i * N + j] = 1 / (1 + std::exp(-sum / N));
          if (moves) expected[base + i * N + j] = 1 / (1 + std::exp(sum / N));
        }
    }
    REQUIRE(error(project<TestType>(mhc::entropic{}, logits), expected) <= T(4 * N + 16 * sigma) * eps<T>);
  }
}

TEST_CASE("a mask leaves the bits of its neighbours alone", "[projections][entropic][mask]") {
  using one = test_case<mhc::simd_t, float, 4>;
  auto logits = gaussian<float>(16 * 16, 2);
  auto const before = project<one>(mhc::entropic{}, logits);
  for (std::size_t const k : {0u, 1u, 4u, 5u})
    logits[16 * 5 + 8 + k % 2 + k / 4 * 4] = -infinity<float>;  // rows 2, 3 without 0, 1
  for (std::size_t const k : {0u, 1u, 4u, 5u})
    logits[16 * 5 + 2 + k % 2 + k / 4 * 4] = -infinity<float>;  // rows 0, 1 without 2, 3
  auto const after = project<one>(mhc::entropic{}, logits);
  for (std::size_t k = 0; k < after.size(); ++k)
    if (k / 16 != 5) REQUIRE(after[k] == before[k]);
}

namespace {

/// Is every open entry on a permutation of open entries, and is there one?
bool has_total_support(std::vector<bool> const& open, std::size_t n) {
  std::vector<bool> used(n * n, false);
  std::vector<std::size_t> p(n);
  std::iota(p.begin(), p.end(), std::size_t{0});
  bool any = false;
  do {
    bool all = true;
    for (std::size_t i = 0; i < n; ++i) all = all && open[i * n + p[i]];
    any = any || all;
    for (std::size_t i = 0; i < n && all; ++i) used[i * n + p[i]] = true;
  } while (std::next_permutation(p.begin(), p.end()));
  return any && used == open;
}

template <class Case>
void require_all_masks() {
  using T = typename Case::value;
  constexpr std::size_t N = Case::n;
  std::ptrdiff_t refused = 0;
  for (unsigned bits = 0; bits < (1u << (N * N)); ++bits) {
    auto logits = gaussian<T>(3 * N * N, 1, 9);
    std::vector<bool> open;
    for (std::size_t k = 0; k < N * N; ++k) {
      open.push_back((bits >> k & 1u) != 0);
      if (!open.back()) logits[N * N + k] = -infinity<T>;
    }
    guarded<T> const z(logits);
    guarded<T> plan(3 * N * N);
    auto const words = refusal([&] {
      mhc::project(typename Case::policy{}, mhc::entropic{}, mhc::vector_view<T const, N * N>{z.data(), 3},
                   mhc::batch_view<T, N>{plan.data(), 3});
    });
    CAPTURE(bits, words);
    if (has_total_support(open, N)) {
      REQUIRE(words == "no exception");
      REQUIRE(!any_nan(plan));
      for (int i = 0; i < Case::n; ++i) REQUIRE(std::abs(column_sum<Case::n>(plan.values(), 1, i) - 1) <= 8 * eps<T>);
    } else {
      ++refused;
      REQUIRE(words.find("scaling: mhc::project: logits of matrix 1 ") == 0);
      REQUIRE(all_nan(plan));  // nothing is written
    }
  }
  REQUIRE(refused > 0);
}

using small_cases = both_policies<double, 1, 2, 3>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("every mask of up to three rows is refused or projected",
                        "[projections][entropic][mask][errors]", small_cases) {
  require_all_masks<TestType>();
}

TEST_CASE("the refusal says which entry is forced to zero", "[projections][entropic][mask][errors]") {
  using one = test_case<mhc::simd_t, double, 2>;
  double const never = -infinity<double>;
  require_refused([&] { project<one>(mhc::entropic{}, std::vector<double>{0, 0, 0, 0, 1, never, 3, 4}); },
                  {"scaling: mhc::project: logits of matrix 1 leave no scaling", "entry (1, 0)", "-infinity as well"});
  require_refused([&] { project<one>(mhc::entropic{}, std::vector<double>{never, never, 3, 4}); },
                  {"logits of matrix 0 are -infinity in so many places"});
}
