// SPDX-License-Identifier: MIT
#pragma once

// A family of residual mixing with its derivatives at a level, against one number at a time in long double.

#include "support/families.hpp"
#include "support/levels.hpp"

#include <tuple>

#if defined(MHC_LEVELS)

namespace mhc::test {

template <class Level, class T, class P, int Order>
struct level_member {
  using policy = level_policy<Level>;
  using value = T;
  using family = P;
  static constexpr int n = Order;
  using exactly = test_case<cpu::sequential_policy, long double, Order>;
};

template <class T, class P, int N>
using member_on_levels = std::tuple<level_member<cpu::level::avx2, T, P, N>, level_member<cpu::level::avx512, T, P, N>>;

template <class Member>
void check_at_level() {
  using T = typename Member::value;
  using exactly = typename Member::exactly;
  constexpr int N = Member::n;
  MHC_SKIP_WITHOUT(typename Member::policy);
  typename Member::family const family;
  for (std::ptrdiff_t const batch : {1, 7, 8, 9, 31, 33, 70}) {
    CAPTURE(batch);
    auto const z = random_logits<Member>(family, batch, 1), d = random_logits<Member>(family, batch, 1, 2);
    auto const g = gaussian<T>(batch * N * N, 1, 3);
    auto const plan = plans<exactly>(family, widen(z), batch), back = vjps<exactly>(family, widen(z), widen(g), batch),
               forth = jvps<exactly>(family, widen(z), widen(d), batch);
    // roundings of some dozen steps that each sum N terms, of numbers of order 1 or of the largest derivative
    long double const bound = 100 * N * eps<T>;
    REQUIRE(error(plans<Member>(family, z, batch), plan) <= bound);
    REQUIRE(error(vjps<Member>(family, z, g, batch), back) <= 4 * bound * std::max(1.L, largest(back)));
    REQUIRE(error(jvps<Member>(family, z, d, batch), forth) <= 4 * bound * std::max(1.L, largest(forth)));
  }
}

}  // namespace mhc::test

#endif
