// SPDX-License-Identifier: MIT
// Uniform samples: the volume of the polytope as the oracle of the rejection sampler, and that one as hit-and-run's.

#include "support/geometry.hpp"
#include "support/refusals.hpp"

#include <mhc/geometry/membership.hpp>
#include <mhc/geometry/sampling.hpp>

#include <cmath>
#include <cstdint>
#include <random>

using namespace mhc::test;

namespace {

/// Values 0 … Most, one after another.
template <std::uint64_t Most>
struct counter {
  using result_type = std::uint64_t;
  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return Most; }
  result_type operator()() { return next == Most ? (next = 0, Most) : next++; }
  result_type next = 0;
};

/// Mean over samples of entry² and of the product of two entries, with the standard error of the first.
struct moments {
  double square = 0, product = 0, square_error = 0;
};

template <class Draw>
moments measure(int n, int samples, Draw&& draw) {
  std::vector<double> m(mhc::detail::at(n, n, 0));
  double sum = 0, sum_of_squares = 0, product = 0;
  for (int k = 0; k < samples; ++k) {
    draw(view(m));
    double square = 0;  // over all entries, which have the same law
    for (double const x : m) square += x * x / (n * n);
    sum += square;
    sum_of_squares += square * square;
    product += m[0] * m[mhc::detail::at(n, 1, 1)];
  }
  double const mean = sum / samples;
  return {mean, product / samples, std::sqrt((sum_of_squares / samples - mean * mean) / samples)};
}

}  // namespace

TEST_CASE("doubles come from the leading bits, the same on every platform", "[geometry][sampling]") {
  std::mt19937_64 wide;
  wide.discard(9999);  // the standard says: 9981545732273789042
  CHECK(mhc::detail::unit_interval(wide) == static_cast<double>(9981545732273789042u >> 11) * 0x1p-53);
  std::mt19937 narrow;
  narrow.discard(9999);  // the standard says: 4123659995; 32 bits, then 21 of the next
  auto copy = narrow;
  copy.discard(1);
  CHECK(mhc::detail::unit_interval(narrow) ==
        static_cast<double>(std::uint64_t{4123659995u} << 21 | static_cast<std::uint64_t>(copy()) >> 11) * 0x1p-53);
  counter<1> coin;  // 0101…: 53 draws, first bit 0
  CHECK(mhc::detail::unit_interval(coin) == 1. / 3 - 0x1p-53 / 3);
  counter<4> five;  // 4 is drawn again: 00 01 10 11 00 01 …, and half of the last
  CHECK(mhc::detail::unit_interval(five) == approx(27. / 255));
}

TEMPLATE_TEST_CASE("doubles of any generator fill [0, 1) evenly", "[geometry][sampling]", std::mt19937, std::mt19937_64,
                   std::minstd_rand, std::ranlux48) {
  TestType generator;
  int const samples = 20000, bins = 10;
  std::vector<int> count(bins);
  for (int k = 0; k < samples; ++k) {
    double const x = mhc::detail::unit_interval(generator);
    REQUIRE(x >= 0);
    REQUIRE(x < 1);
    ++count[static_cast<std::size_t>(x * bins)];
  }
  for (int const c : count) CHECK(std::abs(c - samples / bins) < 5 * std::sqrt(samples * .1 * .9));
}

TEST_CASE("the acceptance rate is the volume of the polytope: 1, 1/8, 11/11340", "[geometry][sampling][published]") {
  double const volume[] = {1, 1, 1. / 8, 11. / 11340};
  for (int n = 1; n <= 4; ++n) {
    std::mt19937_64 generator{7};
    std::vector<double> m(mhc::detail::at(n, n, 0));
    int const samples = n == 4 ? 2000 : 20000;
    double proposals = 0;
    for (int k = 0; k < samples; ++k) {
      proposals += static_cast<double>(mhc::sample_by_rejection(generator, view(m)));
      REQUIRE(mhc::in_polytope(view(m)));
    }
    double const v = volume[n - 1];
    CHECK(std::abs(proposals * v / samples - 1) <= 4 * std::sqrt((1 - v) / samples));  // geometric law, 4 σ
  }
}

TEST_CASE("n = 2 is the uniform law of a segment", "[geometry][sampling]") {
  std::mt19937_64 generator{3};
  auto const m = measure(2, 40000, [&](auto plan) { mhc::sample_polytope(generator, plan); });
  CHECK(std::abs(m.square - 1. / 3) <= 4 * m.square_error);
}

TEST_CASE("hit-and-run has the moments of rejection", "[geometry][sampling]") {
  for (int n : {2, 3, 4}) {
    std::mt19937_64 a{5}, b{6};
    int const samples = 4000;
    auto const exact = measure(n, samples, [&](auto plan) { mhc::sample_by_rejection(a, plan); });
    auto const walked = measure(n, samples, [&](auto plan) {
      std::fill_n(plan.data, n * n, 1. / n);
      mhc::hit_and_run(b, plan, mhc::hit_and_run_steps(n));
    });
    CAPTURE(n);
    CHECK(std::abs(exact.square - walked.square) <= 4 * std::hypot(exact.square_error, walked.square_error));
    CHECK(std::abs(exact.product - walked.product) <= 8 * std::hypot(exact.square_error, walked.square_error));
  }
}

TEST_CASE("the default number of steps is enough: four times as many change nothing", "[geometry][sampling]") {
  for (int n : {5, 8, 16}) {
    std::mt19937_64 a{8}, b{9};
    int const samples = n == 16 ? 40 : 1000;
    auto const once = measure(n, samples, [&](auto plan) { mhc::sample_polytope(a, plan); });
    auto const longer =
        measure(n, samples, [&](auto plan) { mhc::sample_polytope(b, plan, 4 * mhc::hit_and_run_steps(n)); });
    CAPTURE(n);
    CHECK(std::abs(once.square - longer.square) <= 4 * std::hypot(once.square_error, longer.square_error));
  }
}

TEST_CASE("samples are points of the polytope at every order, with mean J/n", "[geometry][sampling][law]") {
  for (int n : {1, 2, 3, 4, 5, 9}) {
    std::mt19937 generator{11};
    std::vector<double> m(mhc::detail::at(n, n, 0));
    for (int k = 0; k < 20; ++k) {
      mhc::sample_polytope(generator, view(m));
      CHECK(mhc::in_polytope(view(m), 1e-13));
    }
  }
  std::mt19937_64 generator{12};
  auto plans = std::vector<float>(9 * 5000);
  mhc::sample_polytope(generator, as_batch<3>(plans));
  double mean[9] = {};
  for (std::size_t k = 0; k < plans.size(); ++k) mean[k % 9] += static_cast<double>(plans[k]) / 5000;
  for (double const x : mean) CHECK(std::abs(x - 1. / 3) < 4 * std::sqrt(1. / 18 / 5000));
}

TEST_CASE("equal seeds give equal bits, and a walk goes on where it stopped", "[geometry][sampling]") {
  for (int n : {3, 6}) {
    std::mt19937_64 a{1}, b{1};
    std::vector<double> x(mhc::detail::at(n, n, 0)), y = x;
    mhc::sample_polytope(a, view(x));
    mhc::sample_polytope(b, view(y));
    CHECK(same_bits(x, y));
    mhc::hit_and_run(a, view(x), 30);
    mhc::hit_and_run(b, view(y), 10);
    mhc::hit_and_run(b, view(y), 20);
    CHECK(same_bits(x, y));
  }
}

TEST_CASE("from a vertex, a quarter of the default steps forget it", "[geometry][sampling]") {
  std::mt19937_64 generator{4};
  int const n = 8, samples = 1000;
  double mean = 0;
  for (int k = 0; k < samples; ++k) {
    std::vector<double> m(n * n);
    for (int i = 0; i < n; ++i) m[mhc::detail::at(n, i, i)] = 1;
    mhc::hit_and_run(generator, view(m), mhc::hit_and_run_steps(n) / 4);
    for (int i = 0; i < n; ++i) mean += m[mhc::detail::at(n, i, i)] / samples;
  }
  CHECK(std::abs(mean - 1) < 4 * .33 / std::sqrt(samples));  // the trace varies by about 1/3
}

TEST_CASE("hit-and-run leaves a vertex, and stays in the polytope for long", "[geometry][sampling]") {
  std::mt19937_64 generator{2};
  std::vector<double> m{1, 0, 0, 0, 1, 0, 0, 0, 1};
  mhc::hit_and_run(generator, view(m), 200000);
  CHECK(mhc::in_polytope(view(m), 1e-12));
  CHECK(mhc::in_interior(view(m), 1e-12));
}

TEST_CASE("sampling refuses orders and steps out of range", "[geometry][sampling][refusal]") {
  std::mt19937 generator;
  std::vector<double> m(25, 7);
  auto const says = [](auto&& f, char const* text) { CHECK_THAT(refusal(f), contains(text)); };
  says([&] { mhc::sample_by_rejection(generator, view(m)); },
       "mhc::sample_by_rejection: plan has order 5, expected at most 4");
  says([&] { mhc::sample_polytope(generator, view(m), -1); },
       "option: mhc::sample_polytope: steps is -1, expected 0 or more");
  says([&] { mhc::hit_and_run(generator, view(m), -1); }, "option: mhc::hit_and_run: steps is -1");
  says([&] { mhc::sample_polytope(generator, mhc::matrix_view<double>{nullptr, 3}); },
       "mhc::sample_polytope: plan is null");
  CHECK(m == std::vector<double>(25, 7));
}
