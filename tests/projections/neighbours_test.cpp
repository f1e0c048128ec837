// SPDX-License-Identifier: MIT
// Logits of any spread side by side take different ways through the maths: no matrix sees which way its neighbours take.

#include "support/project.hpp"

using namespace mhc::test;

namespace {

/// Of every spread, in no order.
template <class T>
std::vector<T> of_mixed_spread(std::ptrdiff_t matrices, int n) {
  auto z = gaussian<T>(matrices * n * n);
  T const sigma[] = {T(1), T(3), T(30), T(1), T(10), T(.1), T(2), T(500), T(1), T(1), T(7)};
  for (std::size_t k = 0; k < z.size(); ++k) z[k] *= sigma[k / static_cast<std::size_t>(n * n) * 7 % 11];
  return z;
}

template <class T>
std::vector<T> matrix_of(std::vector<T> const& all, std::ptrdiff_t b, int n) {
  return {all.begin() + b * n * n, all.begin() + (b + 1) * n * n};
}

template <class Case, class P>
void check_neighbours(P const& projection) {
  using T = typename Case::value;
  constexpr int N = Case::n;
  std::ptrdiff_t const count = 70;
  auto const z = of_mixed_spread<T>(count, N), g = gaussian<T>(count * N * N, 1, 9);
  auto const plans = project<Case>(projection, z), gradients = project_vjp<Case>(projection, z, g);
  for (std::ptrdiff_t b = 0; b < count; ++b) {
    CAPTURE(b, N);
    auto const alone = matrix_of(z, b, N);
    REQUIRE(same_bits(project<Case>(projection, alone), matrix_of(plans, b, N)));
    REQUIRE(same_bits(project_vjp<Case>(projection, alone, matrix_of(g, b, N)), matrix_of(gradients, b, N)));
  }
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("narrow and wide logits beside each other have the bits that they have alone",
                        "[projections][sinkhorn][entropic][law]", simd_cases) {
  check_neighbours<TestType>(mhc::sinkhorn<>{});
  check_neighbours<TestType>(mhc::sinkhorn<>{.iterations = 3, .gradient = mhc::gradient::automatic});
  check_neighbours<TestType>(mhc::sinkhorn<mhc::convention::log_domain>{.convention = {.temperature = 2}});
  check_neighbours<TestType>(mhc::entropic{});
}
