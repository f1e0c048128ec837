// SPDX-License-Identifier: MIT
// Every concept, satisfied and not. Checked by the compiler.

#include "support/catch.hpp"

#include <mhc/mhc.hpp>

#include <complex>
#include <type_traits>

// scalars: complex numbers only with their own header
static_assert(mhc::scalar<float> && mhc::scalar<double const> && mhc::scalar<long double>);
static_assert(!mhc::scalar<int> && !mhc::scalar<float&> && !mhc::scalar<std::complex<double>>);

// elements: scalars, and two that are only stored; what is computed with them
static_assert(mhc::element<float> && mhc::element<long double const> && !mhc::element<int> && !mhc::element<short>);
static_assert(mhc::element<mhc::bfloat16> && mhc::element<mhc::half const> && !mhc::element<mhc::half&>);
static_assert(!mhc::scalar<mhc::bfloat16> && !mhc::scalar<mhc::half>);
static_assert(std::is_same_v<mhc::coefficient_t<mhc::bfloat16 const>, float>);
static_assert(std::is_same_v<mhc::coefficient_t<mhc::half>, float>);
static_assert(std::is_same_v<mhc::coefficient_t<double const>, double>);

// policies: small values that opt in
struct tagged {
  using execution_policy_tag = void;
};
struct untagged {};
struct immovable {
  using execution_policy_tag = void;
  immovable(immovable const&) = delete;
};
static_assert(mhc::execution_policy<mhc::cpu::sequential_policy> && mhc::execution_policy<mhc::simd_t>);
static_assert(mhc::execution_policy<tagged> && !mhc::execution_policy<untagged> && !mhc::execution_policy<immovable>);
static_assert(!mhc::execution_policy<int>);
static_assert(std::is_aggregate_v<mhc::simd_t> && std::is_trivially_copyable_v<mhc::simd_t>);
static_assert(mhc::simd.threads == 1 && mhc::simd.with_threads(3).threads == 3 &&
              mhc::simd.with_threads(0).threads == 0);

// projections
struct no_logits {};
struct no_maps {
  template <int N>
  static constexpr int logits = N;
};
static_assert(mhc::projection_onto<mhc::sinkhorn<>, 1> && mhc::projection_onto<mhc::sinkhorn<>, 8>);
static_assert(mhc::projection_onto<mhc::entropic, 1> && mhc::projection_onto<mhc::entropic, 8>);
static_assert(!mhc::projection_onto<no_maps, 4>);
static_assert(mhc::logits_of<mhc::sinkhorn<>, 5> == 25 && mhc::logits_of<mhc::entropic, 3> == 9);
static_assert(std::is_aggregate_v<mhc::sinkhorn<>> && std::is_trivially_copyable_v<mhc::sinkhorn<>>);
static_assert(std::is_aggregate_v<mhc::entropic> && std::is_trivially_copyable_v<mhc::entropic>);
static_assert(mhc::sinkhorn<>{}.iterations == 20 && mhc::sinkhorn<>{}.gradient == mhc::gradient::unrolled);

// kinds of connection
using mhc_kind = mhc::connection<float, 4, mhc::sinkhorn<>>;
static_assert(mhc::connection_kind<mhc::residual<float>> && mhc::connection_kind<mhc::hyper_connection<double, 8>>);
static_assert(mhc::connection_kind<mhc_kind> && mhc::connection_kind<mhc::head<float, 4>>);
static_assert(!mhc::connection_kind<no_logits> && !mhc::connection_kind<mhc::sinkhorn<>> && !mhc::connection_kind<int>);
static_assert(std::is_aggregate_v<mhc_kind> && std::is_trivially_copyable_v<mhc_kind>);
static_assert(mhc::residual<float>::streams == 1 && mhc_kind::streams == 4);
static_assert(std::is_same_v<mhc_kind::element, float>);

// parameters: pointers that become const
template <class From, class To>
inline constexpr bool only_forward = std::is_convertible_v<From, To> && !std::is_convertible_v<To, From>;
static_assert(only_forward<mhc::connection_parameters<float, 4, mhc::sinkhorn<>>,
                           mhc::connection_parameters<float const, 4, mhc::sinkhorn<>>>);
static_assert(only_forward<mhc::head_parameters<double, 3>, mhc::head_parameters<double const, 3>>);
static_assert(
    only_forward<mhc::hyper_connection_parameters<double, 3>, mhc::hyper_connection_parameters<double const, 3>>);

// errors are both invalid arguments, and tell a shape from an option
static_assert(std::is_base_of_v<std::invalid_argument, mhc::shape_error>);
static_assert(std::is_base_of_v<std::invalid_argument, mhc::option_error>);
static_assert(!std::is_base_of_v<mhc::shape_error, mhc::option_error>);

TEST_CASE("sizes of the parameters of every kind", "[static][concepts]") {
  auto const sizes = [](auto const& kind) {
    return std::vector<std::ptrdiff_t>{phi_size(kind), alpha_size(kind), bias_size(kind), parameter_count(kind)};
  };
  using list = std::vector<std::ptrdiff_t>;
  REQUIRE(sizes(mhc::residual<float>{.channels = 9}) == list{0, 0, 0, 0});
  REQUIRE(sizes(mhc_kind{.channels = 9}) == list{24 * 36, 3, 24, 24 * 36 + 27});
  REQUIRE(sizes(mhc::hyper_connection<float, 4>{.channels = 9}) == list{6 * 9, 3, 24, 6 * 9 + 27});
  REQUIRE(sizes(mhc::hyper_connection<float, 4>{.channels = 9, .dynamic = false}) == list{0, 0, 24, 24});
  REQUIRE(sizes(mhc::head<float, 4>{.channels = 9}) == list{4 * 36, 1, 4, 4 * 36 + 5});
  float base[1000];
  auto const p = parameters_at(mhc_kind{.channels = 9}, static_cast<float const*>(base));
  REQUIRE((p.phi == base && p.alpha == base + 864 && p.bias == base + 867));
}
