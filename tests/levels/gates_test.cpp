// SPDX-License-Identifier: MIT
// Coefficients and their gradients, alone and behind a mix, at every level that the processor has.

#include "support/kinds.hpp"
#include "support/levels.hpp"
#include "support/mix_pre.hpp"

using namespace mhc::test;
using mhc::bfloat16;

#if defined(MHC_LEVELS)

template <class S, int N, class K>
using kind_on_levels = std::tuple<kind_case<level_policy<mhc::cpu::level::avx2>, S, N, K>,
                                  kind_case<level_policy<mhc::cpu::level::avx512>, S, N, K>>;

using level_kinds = joined<kind_on_levels<float, 1, plain>, kind_on_levels<float, 3, hc_dynamic>,
                           kind_on_levels<float, 4, mhc_sinkhorn>, kind_on_levels<double, 2, mhc_entropic>>;
using one_kind = kind_on_levels<float, 4, mhc_sinkhorn>;

TEMPLATE_LIST_TEST_CASE("coefficients and gradients at a level: the numbers of long double", "[levels][ops]",
                        level_kinds) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  MHC_SKIP_WITHOUT(typename TestType::policy);
  for (std::ptrdiff_t const channels : {1, 9, 37})
    for (std::ptrdiff_t const batch : {0, 2, 35})
      for (bool const with_u : {false, true}) {
        CAPTURE(channels, batch, with_u);
        auto const kind = TestType::make(channels);
        auto const p = random_parameters(kind);
        auto const x = gaussian<T>(batch * N * channels, 1, 3);
        auto const h = run_gates<TestType>(with_u, kind, p, x);
        auto const e = expected_gates(with_u, kind, p, x);
        T const bound = chain<T>(N, channels);
        REQUIRE(error(h.pre, e.pre) <= bound);
        REQUIRE(error(h.post, e.post) <= bound);
        REQUIRE(error(h.res, e.res) <= bound);
        REQUIRE(error(h.u, e.u) <= 2 * bound * std::max(1.L, largest(e.u)));
        if (channels > 9 || batch > 2) continue;  // the reference is slow
        auto const g = random_cotangents(with_u, kind, batch);
        auto const d = run_gates_vjp<TestType>(with_u, kind, p, x, g);
        auto const f = expected_gates_vjp(with_u, kind, p, x, g);
        REQUIRE(relative_error(d.x, f.x) <= 4 * bound);
        REQUIRE(relative_error(d.parameters, f.parameters) <= 4 * bound);
      }
}

TEMPLATE_LIST_TEST_CASE("mix_pre at a level is mix, then pre, bit for bit, whatever the threads", "[levels][ops]",
                        level_kinds) {
  using T = typename TestType::value;
  MHC_SKIP_WITHOUT(typename TestType::policy);
  typename TestType::policy const policy;
  for (int const threads : {1, 3}) {
    for (std::ptrdiff_t const batch : {7, 70, 140}) check_mix_pre<TestType, T>(batch, 33, policy.with_threads(threads));
    if constexpr (std::is_same_v<T, float> && TestType::n == 4)
      check_mix_pre<TestType, bfloat16>(35, 8, policy.with_threads(threads));
  }
}

TEMPLATE_LIST_TEST_CASE("gradients at a level: threads do not show in a bit", "[levels][ops][law]", one_kind) {
  MHC_SKIP_WITHOUT(typename TestType::policy);
  typename TestType::policy const policy;
  auto const kind = TestType::make(300);
  auto const p = random_parameters(kind);
  auto const x = gaussian<float>(70 * 4 * 300, 1, 3);
  auto const g = random_cotangents(true, kind, 70);
  auto const one = run_gates_vjp<TestType>(true, kind, p, x, g, policy);
  for (int const threads : {2, 3}) {
    auto const d = run_gates_vjp<TestType>(true, kind, p, x, g, policy.with_threads(threads));
    REQUIRE(same_bits(d.x, one.x));
    REQUIRE(same_bits(d.parameters, one.parameters));
  }
}

#else

TEST_CASE("levels are for x86-64", "[levels]") { MHC_SKIP("another processor"); }

#endif
