// SPDX-License-Identifier: MIT
// The derivative of the exact projection against the complex step of a dense Newton method.

#include "support/project.hpp"

using namespace mhc::test;

using gradient_cases = joined<both_policies<double, 1, 2, 3, 4, 6, 8>, both_policies<float, 3, 4>>;

TEMPLATE_LIST_TEST_CASE("the gradient of entropic", "[projections][entropic][gradient]", gradient_cases) {
  // P∘(G − α⊕β) is a current with sources P∘G, and α⊕β lies within 2N·|G|: an error of the entries counts for at most
  // 2N times their sum, 4N²·eps as for the values, and the spread's share.
  using T = typename TestType::value;
  constexpr int N = TestType::n;
  std::ptrdiff_t const batch = N > 4 ? 4 : 12;
  for (double const sigma : {1., 3., 10., 100.}) {
    CAPTURE(sigma, N);
    auto const logits = gaussian<T>(batch * N * N, sigma, 5), g = gaussian<T>(batch * N * N, 1, 6);
    T const bound = T(8 * N) * (T(4 * N * N) + spread<N>(logits)) * eps<T>;
    auto const scale = std::max(largest(g), 1.L);
    mhc::entropic const projection;
    REQUIRE(error(project_vjp<TestType>(projection, logits, g), expected_vjp<N>({0}, logits, g)) <= bound * scale);
    REQUIRE(error(project_jvp<TestType>(projection, logits, g), expected_jvp<N>({0}, logits, g)) <= bound * scale);
    if (std::is_same_v<T, double> && sigma <= 3) {
      REQUIRE(relative_error(project_vjp<TestType>(projection, logits, g), expected_vjp<N>({0}, logits, g)) <= 1e-12);
      REQUIRE(relative_error(project_jvp<TestType>(projection, logits, g), expected_jvp<N>({0}, logits, g)) <= 1e-12);
    }
  }
}
