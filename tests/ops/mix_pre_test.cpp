// SPDX-License-Identifier: MIT
// Both operations have references of their own: here, that taken together they are still the same.

#include "support/mix_pre.hpp"

using namespace mhc::test;

using seq_t = mhc::cpu::sequential_policy;
using mixed_cases =
    joined<kind_simd_cases,
           std::tuple<kind_case<seq_t, double, 4, mhc_sinkhorn>, kind_case<seq_t, float, 3, hc_dynamic>>>;

TEMPLATE_LIST_TEST_CASE("mix_pre is mix, then pre, bit for bit, and so is its gradient", "[ops][mix_pre][law]",
                        mixed_cases) {
  for (std::ptrdiff_t const channels : {1, 37, 300})
    for (std::ptrdiff_t const batch : {0, 1, 33, 70}) {
      CAPTURE(channels, batch);
      check_mix_pre<TestType, typename TestType::value>(batch, channels, {});
    }
}

TEMPLATE_LIST_TEST_CASE("mix_pre of streams of 16 bits, and threads", "[ops][mix_pre][law]", kind_simd_cases) {
  using T = typename TestType::value;
  for (int const threads : {1, 3}) {
    auto const policy = mhc::simd.with_threads(threads);
    check_mix_pre<TestType, T>(70, 33, policy);
    check_mix_pre<TestType, T>(7, 300, policy);  // few: all threads mix, then share blocks of columns
    check_mix_pre<TestType, T>(500, 9, policy);  // blocks enough for each thread to mix one while it reads another
    check_mix_pre<TestType, T>(140, 80, policy);
    check_mix_pre<TestType, T>(18, 25000 / (TestType::n * static_cast<int>(sizeof(T))), policy);  // mixed before
    if constexpr (std::is_same_v<T, float>) {
      check_mix_pre<TestType, mhc::bfloat16>(70, 33, policy);
      check_mix_pre<TestType, mhc::bfloat16>(7, 300, policy);
      check_mix_pre<TestType, mhc::half>(35, 8, policy);
    }
  }
}

TEST_CASE("mix_pre of 8 streams, in blocks", "[ops][mix_pre][law]") {
  check_mix_pre<kind_case<mhc::simd_t, double, 8, mhc_sinkhorn>, double>(140, 19, mhc::simd);
}

TEST_CASE("mix_pre refuses what does not fit before it writes", "[ops][mix_pre][errors]") {
  using kind = mhc::connection<float, 2, paper>;
  kind const c{.channels = 3};
  std::vector<float> memory(400, 7.F), parameters(static_cast<std::size_t>(mhc::parameter_count(c)), .1F);
  auto const p = mhc::parameters_at(c, std::as_const(parameters).data());
  float* const m = memory.data();
  auto const call = [&](mhc::stream_view<float, 2> x, mhc::stream_view<float, 2> x_next, std::ptrdiff_t tokens) {
    mhc::mix_pre(mhc::simd, {m + 100, 2}, {m + 110, 2}, x, {m + 120, 2, 3}, c, p, x_next, {m + 130, tokens},
                 {m + 140, 2}, {m + 150, 2}, {m + 170, 2, 3});
  };
  REQUIRE_NOTHROW(call({m, 2, 3}, {m + 20, 2, 3}, 2));
  memory.assign(memory.size(), 7.F);
  REQUIRE_THROWS_AS(call({m, 2, 3}, {m + 20, 2, 3}, 1), mhc::shape_error);
  REQUIRE_THROWS_AS(call({m, 2, 3}, {m + 6, 2, 3}, 2), mhc::shape_error);   // overlaps x in part
  REQUIRE_THROWS_AS(call({m, 2, 4}, {m + 20, 2, 4}, 2), mhc::shape_error);  // not the kind's channels
  REQUIRE_THROWS_AS(call({m, 2, 3}, {nullptr, 2, 3}, 2), mhc::shape_error);
  auto const keeping = [&](mhc::score_view<kind> scores) {
    mhc::mix_pre(mhc::simd, {m + 100, 2}, {m + 110, 2}, mhc::stream_view<float, 2>{m, 2, 3}, {m + 120, 2, 3}, c, p,
                 {m + 20, 2, 3}, {m + 130, 2}, {m + 140, 2}, {m + 150, 2}, {m + 170, 2, 3}, scores);
  };
  REQUIRE_THROWS_AS(keeping({m + 200, 1}), mhc::shape_error);
  REQUIRE_THROWS_AS(keeping({nullptr, 2}), mhc::shape_error);
  REQUIRE_THROWS_AS(keeping({m + 171, 2}), mhc::shape_error);  // overlaps u
  for (float const value : memory) REQUIRE(value == 7.F);
  REQUIRE_NOTHROW(keeping({m + 200, 2}));
}

TEST_CASE("mix_pre_vjp takes what is in place and refuses other overlap", "[ops][mix_pre][errors]") {
  using kind = mhc::connection<float, 2, paper>;
  kind const c{.channels = 3};
  std::vector<float> memory(300, 7.F), parameters(static_cast<std::size_t>(mhc::parameter_count(c)), .1F);
  std::vector<float> gradient(parameters.size(), 7.F);
  float* const m = memory.data();
  auto const call = [&](std::ptrdiff_t next_post, std::ptrdiff_t next_res, std::ptrdiff_t post, std::ptrdiff_t res) {
    mhc::mix_pre_vjp(mhc::simd, {m, 2}, {m + 10, 2}, mhc::stream_view<float, 2>{m + 20, 2, 3}, {m + 40, 2, 3}, c,
                     mhc::parameters_at(c, std::as_const(parameters).data()), {m + 50, 2, 3}, {m + 70, 2, 3},
                     {m + 90, 2, 3}, {m + next_post, 2}, {m + next_res, 2}, {m + res, 2}, {m + post, 2},
                     {m + 220, 2, 3}, {m + 240, 2, 3}, mhc::parameters_at(c, gradient.data()));
  };
  REQUIRE_THROWS_AS(call(100, 110, 102, 130), mhc::shape_error);  // in part
  REQUIRE_THROWS_AS(call(100, 110, 120, 114), mhc::shape_error);
  REQUIRE_THROWS_AS(call(100, 110, 110, 130), mhc::shape_error);  // of another shape
  REQUIRE_THROWS_AS(call(100, 110, 120, 100), mhc::shape_error);
  for (float const value : memory) REQUIRE(value == 7.F);
  for (float const value : gradient) REQUIRE(value == 7.F);
  REQUIRE_NOTHROW(call(100, 110, 120, 130));
  REQUIRE_NOTHROW(call(100, 110, 100, 110));
}
