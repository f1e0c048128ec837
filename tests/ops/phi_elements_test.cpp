// SPDX-License-Identifier: MIT
// Kinds whose φ has 16 bits, beside streams of every element.

#include "support/phi_elements.hpp"

using namespace mhc::test;
using mhc::bfloat16;
using mhc::half;

namespace {

/// Whether the instruction set multiplies pairs of bfloat16.
template <class S, class F>
constexpr bool multiplies_pairs() {
#if defined(__AVX512BF16__)
  return std::is_same_v<S, bfloat16> && std::is_same_v<F, bfloat16>;
#else
  return false;
#endif
}

template <class S, class F, class Kind>
void check(Kind kind) {
  constexpr bool another = multiplies_pairs<S, F>();
  for (std::ptrdiff_t const channels : {1, 37, 300})  // 192 or 384 elements of φ are worked on at a time
    for (std::ptrdiff_t const batch : {1, 35, 70}) {
      CAPTURE(channels, batch);
      kind.channels = channels;
      check_phi_element<S, F>(mhc::seq, kind, batch);
      check_phi_element<S, F>(mhc::simd, kind, batch, another);
      check_phi_element<S, F>(mhc::simd.with_threads(2), kind, batch, another);
    }
}

}  // namespace

TEST_CASE("phi of bfloat16 is read as the same numbers in float", "[ops][elements][law]") {
  check<float, bfloat16>(mhc_sinkhorn::make<float, 4>(1));
  check<bfloat16, bfloat16>(mhc_sinkhorn::make<float, 4>(1));
  check<half, bfloat16>(mhc::head<float, 2>{.channels = 1, .pre_epsilon = .0625F});
}

TEST_CASE("phi of half is read as the same numbers in float", "[ops][elements][law]") {
  check<float, half>(hc_dynamic::make<float, 3>(1));
  check<half, half>(mhc_entropic::make<float, 2>(1));
}

TEST_CASE("threads do not show in a bit where x and phi are of bfloat16", "[ops][elements][law]") {
  using connection = mhc::with_phi<bfloat16, mhc::connection<float, 4, mhc::sinkhorn<>>>;
  connection const kind{{.channels = 75}};
  guarded<bfloat16> const phi(gaussian<bfloat16>(phi_size(kind), .5, 11));
  guarded<float> const alpha(gaussian<float>(3, 1, 12)), bias(gaussian<float>(24, 1, 13));
  mhc::parameters_of<connection, float const> const p{phi.data(), alpha.data(), bias.data()};
  auto const one = all_of_parameters<bfloat16>(mhc::simd, kind, 70, p);
  for (int const threads : {2, 3, 0}) {
    auto const some = all_of_parameters<bfloat16>(mhc::simd.with_threads(threads), kind, 70, p);
    for (std::size_t k = 0; k < one.size(); ++k) REQUIRE(same_bits(some[k], one[k]));
  }
}

TEST_CASE("a static connection has no phi, of whatever element", "[ops][elements]") {
  check<float, half>(hc_static::make<float, 2>(1));
}

TEST_CASE("phi of 16 bits is refused where it is null", "[ops][elements]") {
  using connection = mhc::with_phi<bfloat16, mhc::connection<float, 2, mhc::sinkhorn<>>>;
  connection const kind{{.channels = 3}};
  std::vector<float> const x(6), alpha(3), bias(8);
  std::vector<float> pre(2), post(2), res(4);
  mhc::parameters_of<connection, float const> const p{nullptr, alpha.data(), bias.data()};
  REQUIRE_THROWS_AS(mhc::coefficients(mhc::seq, kind, p, mhc::stream_view<float const, 2>{x.data(), 1, 3},
                                      {pre.data(), 1}, {post.data(), 1}, {res.data(), 1}),
                    mhc::shape_error);
}
