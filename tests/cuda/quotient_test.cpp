// SPDX-License-Identifier: MIT
#include "cuda/support/quotient.hpp"

#include "support/arrays.hpp"

#include <cmath>

using namespace mhc::test;

TEST_CASE("the quotient of the device is one to 1.5 ulp", "[cuda][quotient]") {
  std::ptrdiff_t const size = 100000;
  auto a = gaussian<float>(size, 1, 31),
       b = gaussian<float>(size, 25, 32);  // b from exp(-100) to exp(100), within limits
  for (float& x : b) x = std::exp(std::min(std::max(x, -85.F), 85.F));
  for (float& x : a) x = std::exp(x);
  auto const q = quotients_on_device(a, b);
  long double worst = 0;
  for (std::size_t k = 0; k < q.size(); ++k) {
    long double const exact = static_cast<long double>(a[k]) / b[k];
    if (exact < 2e-38L) continue;
    long double const ulp =
        std::nextafter(static_cast<float>(exact), INFINITY) - static_cast<long double>(static_cast<float>(exact));
    worst = std::max(worst, std::abs(q[k] - exact) / ulp);
  }
  CHECK(worst <= 1.5L);
}
