// SPDX-License-Identifier: MIT
// exp, log, tanh and quotients of lanes against long double.

#include "support/arrays.hpp"
#include "support/levels.hpp"

#include <cmath>
#include <functional>

using namespace mhc::test;

namespace {

/// max |actual − exact| in units of the last place of the exact value, a subnormal one's included.
template <class T>
long double error_in_places(T actual, long double exact) {
  if (std::isnan(exact) || std::isinf(exact) || std::abs(exact) > std::numeric_limits<T>::max()) {
    bool const same = std::isnan(exact) ? std::isnan(actual) : actual == static_cast<T>(exact);
    return same ? 0 : infinity<long double>;
  }
  if (std::isnan(actual)) return infinity<long double>;
  long double const size = std::max<long double>(std::abs(exact), std::numeric_limits<T>::min());
  return std::abs(actual - exact) / std::scalbn(static_cast<long double>(eps<T>), std::ilogb(size));
}

/// The largest error of `f` against `exact`, of all lanes at many places of [low, high] and at some by themselves.
template <class Case, class F, class Exact>
long double worst(F const& f, Exact const& exact, std::vector<typename Case::value> x) {
  using T = typename Case::value;
  using V = mhc::detail::lanes<T, typename level_of<typename Case::policy>::type>;
  constexpr std::size_t width = V::size;
  while (x.size() % width != 0) x.push_back(T(1));
  long double most = 0;
  for (std::size_t k = 0; k < x.size(); k += width) {
    T y[width];
    f(V::load_unaligned(x.data() + k)).store_unaligned(y);
    for (std::size_t w = 0; w < width; ++w) {
      auto const e = error_in_places(y[w], exact(static_cast<long double>(x[k + w])));
      if (e > 10) {
        CAPTURE(x[k + w], y[w]);
        CHECK(e <= 10);
      }
      most = std::max(most, e);
    }
  }
  return most;
}

template <class T>
std::vector<T> between(T low, T high, int count) {
  std::vector<T> x;
  for (int k = 0; k <= count; ++k) x.push_back(low + (high - low) * (static_cast<T>(k) / static_cast<T>(count)));
  return x;
}

template <class T>
std::vector<T> edges() {
  T const big = std::numeric_limits<T>::max(), small = std::numeric_limits<T>::min();
  T const least = std::numeric_limits<T>::denorm_min();
  return {T(0), -T(0), least, -least, small,       -small,       T(3) * least,
          T(1), T(-1), big,   -big,   infinity<T>, -infinity<T>, not_a_number<T>};
}

}  // namespace

using of_the_flags = mhc::cpu::simd_policy<xsimd::default_arch, false>;
#if defined(MHC_LEVELS)
using elementary_cases =
    joined<on_levels<float, 1>, on_levels<double, 1>, over_n<of_the_flags, float, 1>, over_n<of_the_flags, double, 1>>;
#else
using elementary_cases = joined<over_n<of_the_flags, float, 1>, over_n<of_the_flags, double, 1>>;
#endif

TEMPLATE_LIST_TEST_CASE("exp of lanes, from underflow to overflow", "[levels][math]", elementary_cases) {
  using T = typename TestType::value;
  MHC_SKIP_WITHOUT(typename TestType::policy);
  auto const f = [](auto const& x) { return mhc::math::exp_by_polynomial(x); };
  auto const exact = [](long double x) { return std::exp(x); };
  bool const is_float = sizeof(T) == 4;
  REQUIRE(worst<TestType>(f, exact, between<T>(T(-1), T(1), 20000)) <= 1);
  REQUIRE(worst<TestType>(f, exact, between<T>(is_float ? T(-87) : T(-708), is_float ? T(89) : T(710), 50000)) <= 1);

  REQUIRE(worst<TestType>(f, exact, between<T>(is_float ? T(-105) : T(-747), is_float ? T(-87) : T(-708), 20000)) <= 1);
  REQUIRE(worst<TestType>(f, exact, edges<T>()) <= 1);
}

TEMPLATE_LIST_TEST_CASE("log of lanes, subnormal numbers too", "[levels][math]", elementary_cases) {
  using T = typename TestType::value;
  MHC_SKIP_WITHOUT(typename TestType::policy);
  auto const f = [](auto const& x) { return mhc::math::log_by_polynomial(x); };
  auto const exact = [](long double x) { return std::log(x); };
  REQUIRE(worst<TestType>(f, exact, between<T>(T(.25), T(4), 50000)) <= 1);
  std::vector<T> everywhere = edges<T>();
  for (T x = std::numeric_limits<T>::denorm_min(); x < std::numeric_limits<T>::max() / T(1.01); x *= T(1.007)) {
    everywhere.push_back(x);
    if (x < T(300) * std::numeric_limits<T>::denorm_min()) x += std::numeric_limits<T>::denorm_min();
  }
  REQUIRE(worst<TestType>(f, exact, everywhere) <= 1);
}

TEMPLATE_LIST_TEST_CASE("tanh of lanes", "[levels][math]", elementary_cases) {
  using T = typename TestType::value;
  MHC_SKIP_WITHOUT(typename TestType::policy);
  auto const f = [](auto const& x) { return mhc::math::tanh_by_polynomial(x); };
  auto const exact = [](long double x) { return std::tanh(x); };
  REQUIRE(worst<TestType>(f, exact, between<T>(T(-2), T(2), 50000)) <= 2);
  REQUIRE(worst<TestType>(f, exact, between<T>(T(-30), T(30), 20000)) <= 2);
  REQUIRE(worst<TestType>(f, exact, edges<T>()) <= 2);
}

TEMPLATE_LIST_TEST_CASE("quotients of lanes, as far as reciprocals are normal numbers", "[levels][math]",
                        elementary_cases) {
  using T = typename TestType::value;
  MHC_SKIP_WITHOUT(typename TestType::policy);
  std::vector<T> divisors = between<T>(T(1), T(4), 50000);
  for (T x = std::numeric_limits<T>::min(); x < T(.25) / std::numeric_limits<T>::min(); x *= T(1.007)) {
    divisors.push_back(x);
    divisors.push_back(-x);
  }
  divisors.push_back(not_a_number<T>);
  for (T const above : {T(1), T(-3), T(0), not_a_number<T>}) {
    auto const f = [&](auto const& x) { return mhc::math::quotient(std::decay_t<decltype(x)>(above), x); };
    auto const exact = [&](long double x) { return static_cast<long double>(above) / x; };
    REQUIRE(worst<TestType>(f, exact, divisors) <= 1.5L);
  }
}
