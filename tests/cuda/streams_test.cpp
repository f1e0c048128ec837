// SPDX-License-Identifier: MIT
// Operations on streams: the device against mhc::seq in long double.

#include "support/streams.hpp"

#include "cuda/support/device.hpp"
#include "support/arrays.hpp"
#include "support/cases.hpp"

using namespace mhc::test;

using stream_cases = joined<over_n<device_policy, float, 1, 2, 3, 4, 8>, over_n<device_policy, double, 2, 4, 5, 7>,
                            over_n<device_policy, mhc::bfloat16, 1, 4, 7>, over_n<device_policy, mhc::half, 3, 4, 8>>;

template <class Case, class S = typename Case::value, int N = Case::n>
void check(std::ptrdiff_t batch, std::ptrdiff_t channels, bool misaligned) {
  CAPTURE(N, batch, channels, misaligned);
  using T = mhc::coefficient_t<S>;
  stream_problem<S, N> const in(batch, channels, static_cast<unsigned>(batch + 7 * channels));
  device_policy const device{misaligned};
  auto const actual = run_streams<S, N>(device, in);
  auto const expected = run_streams<long double, N>(mhc::seq, in);
  REQUIRE(actual.size() == 22);
  for (auto const& [name, e] : expected) {
    CAPTURE(name);
    auto const size = std::max(largest(e), std::sqrt(static_cast<long double>(channels)));  // of a sum of that many
    bool const coefficients = name.find(" h_") != std::string::npos;
    auto const& a = actual.at(name);
    CHECK((coefficients ? error(a, e) : error_beyond_rounding<S>(a, e)) <= T(N + 16) * eps<T> * size);
  }
  auto const again = run_streams<S, N>(device, in);
  for (auto const& [name, a] : actual) {
    CAPTURE(name);
    CHECK(same_bits(again.at(name), a));
  }
}

TEMPLATE_LIST_TEST_CASE("streams on the device", "[cuda][streams]", stream_cases) {
  for (bool const misaligned : {false, true})
    for (std::ptrdiff_t const channels : {1, 4, 7, 36, 40, 1030})
      for (std::ptrdiff_t const batch : {0, 1, 3}) check<TestType>(batch, channels, misaligned);
}

using large_cases =
    joined<over_n<device_policy, float, 4>, over_n<device_policy, double, 5>, over_n<device_policy, mhc::bfloat16, 4>>;

TEMPLATE_LIST_TEST_CASE("many tokens of streams on the device", "[cuda][streams][large]", large_cases) {
  check<TestType>(701, 68, false);
  check<TestType>(2, 7168, false);
}

using nan_cases = over_n<device_policy, float, 4>;

TEMPLATE_LIST_TEST_CASE("a NaN on the device stays in its token", "[cuda][streams][nonfinite]", nan_cases) {
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  stream_problem<T, N> in(3, 9, 5);
  in.x[N * 9 + 4] = not_a_number<T>;
  for (auto const& [name, a] : run_streams<T, N>(device_policy{}, in)) {
    CAPTURE(name);
    std::size_t const row = a.size() / 3;
    CHECK(!any_nan(std::vector<long double>(a.begin(), a.begin() + static_cast<std::ptrdiff_t>(row))));
    CHECK(!any_nan(std::vector<long double>(a.begin() + static_cast<std::ptrdiff_t>(2 * row), a.end())));
  }
}
