// SPDX-License-Identifier: MIT
// The two domains of the iteration, and why there are two.

#include "support/arrays.hpp"
#include "support/reference.hpp"

#include <mhc/math/exponential_kernel.hpp>
#include <mhc/math/sinkhorn.hpp>
#include <mhc/math/sinkhorn_adjoint.hpp>
#include <mhc/projections/sinkhorn.hpp>

using namespace mhc::test;
using mhc::math::tile;
using scalings = mhc::math::scalings<mhc::math::divide_by_sum>;
using potentials = mhc::math::potentials<mhc::math::divide_by_sum>;

template <class T, int N>
tile<T, N> tile_of(std::vector<T> const& a) {
  tile<T, N> t;
  for (int k = 0; k < N * N; ++k) t[k] = a[static_cast<std::size_t>(k)];
  return t;
}
template <class T, int N>
std::vector<T> values(tile<T, N> const& t) {
  std::vector<T> a;
  for (int k = 0; k < N * N; ++k) a.push_back(t[k]);
  return a;
}

/// The paper's iteration, in whichever domain the logits need.
template <class T, int N>
std::vector<T> iterated(std::vector<T> const& z, int iterations) {
  mhc::math::vec<T, N * N> logits;
  for (int k = 0; k < N * N; ++k) logits[k] = z[static_cast<std::size_t>(k)];
  return values(mhc::sinkhorn<>{.iterations = iterations}.apply<N>(logits));
}

TEST_CASE("both domains are the same map where both can be", "[math][sinkhorn]") {
  constexpr int N = 4;
  for (double const sigma : {1., 10., 60.}) {
    auto const z = mhc::math::below_column_maximum(tile_of<double, N>(gaussian<double>(N * N, sigma)));
    auto const k = mhc::math::exponential(z), g = tile_of<double, N>(gaussian<double>(N * N, 1, 2));
    double const bound = (64 + 8 * sigma * 10) * eps<double>;  // and the rounding of potentials of that size
    for (int const t : {1, 2, 20, 40}) {
      CAPTURE(sigma, t);
      REQUIRE(error(values(mhc::math::sinkhorn(scalings{}, k, {t})),
                    values(mhc::math::sinkhorn(potentials{}, z, {t}))) <= bound);
      REQUIRE(error(values(mhc::math::sinkhorn_vjp(scalings{}, k, {t}, g)),
                    values(mhc::math::sinkhorn_vjp(potentials{}, z, {t}, g))) <= bound * t);
      REQUIRE(error(values(mhc::math::sinkhorn_jvp(scalings{}, k, {t}, g)),
                    values(mhc::math::sinkhorn_jvp(potentials{}, z, {t}, g))) <= bound * t);
    }
  }
}

TEST_CASE("the naive formula overflows, the shift of the second side changes the iterate", "[math][sinkhorn]") {
  constexpr int N = 3;
  std::vector<float> const z{90, 0, 0, 0, 0, 0, 0, 0, 0};
  REQUIRE(std::isinf(std::exp(z[0])));
  auto const p = iterated<float, N>(z, 1);
  REQUIRE(relative_error(p, reference::sinkhorn(widen(z), N, 1)) <= 100 * eps<float>);
  auto by_row = widen(gaussian<float>(9, 1));  // subtract the maximum of each row instead
  auto const expected = reference::sinkhorn(by_row, N, 1);
  for (std::size_t i = 0; i < N; ++i) {
    long double const top = *std::max_element(by_row.begin() + static_cast<std::ptrdiff_t>(i * N),
                                              by_row.begin() + static_cast<std::ptrdiff_t>(i * N + N));
    for (std::size_t j = 0; j < N; ++j) by_row[i * N + j] -= top;
  }
  REQUIRE(error(reference::sinkhorn(by_row, N, 1), expected) > 1e-3L);
}

TEST_CASE("the linear domain loses a line where the log domain does not", "[math][sinkhorn]") {
  constexpr int N = 2;
  // row 1 lies 200 below row 0 in every column: exp(-200) is 0 in float
  std::vector<float> const z{0, 0, -200, -201};
  auto const kernel = mhc::math::exponential(mhc::math::below_column_maximum(tile_of<float, N>(z)));
  REQUIRE(any_nan(values(mhc::math::sinkhorn(scalings{}, kernel, {3}))));
  REQUIRE(error(iterated<float, N>(z, 3), reference::sinkhorn(widen(z), N, 3)) <= 1e-4L);  // 200 eps
}

TEST_CASE("the border between the domains leaves no gap", "[math][sinkhorn]") {
  constexpr int N = 3;
  double const range = mhc::math::linear_range<double>;
  for (double const low : {-range + 1, -range, std::nextafter(-range, -1e9), -range - 1}) {
    std::vector<double> const z{0, 0, low, low, 0, 0, 0, low, 0};
    REQUIRE(error(iterated<double, N>(z, 20), reference::sinkhorn(widen(z), N, 20)) <= 4 * range * eps<double>);
    REQUIRE(mhc::math::needs_potentials(tile_of<double, N>(z)) == (low < -range));
  }
}
