// SPDX-License-Identifier: MIT
// Products with φ of fewer bits.

#include "cuda/support/device.hpp"
#include "support/kinds.hpp"

#include <algorithm>
#include <cmath>

using namespace mhc::test;

namespace {

struct mhc_tf32 {
  template <class T, int N>
  static mhc::with_tf32<mhc::connection<T, N, paper>> make(std::ptrdiff_t channels) {
    return {mhc_sinkhorn::make<T, N>(channels)};
  }
};

template <class S>
using in_tf32 = kind_case<device_policy, S, 4, mhc_tf32>;
using on_host = kind_case<mhc::cpu::sequential_policy, float, 4, mhc_sinkhorn>;

/// What a product of x and φ may be wrong by: half of the last of 11 bits of either, or 16 bits of φ, cut.
template <class S>
constexpr float lost = std::is_same_v<S, mhc::bfloat16> ? 0x1p-15F : 0x1p-11F;

/// The length of φ_k, of the longest.
float longest_row(std::vector<float> const& parameters, std::ptrdiff_t length, int scores) {
  float most = 0;
  for (int k = 0; k < scores; ++k) {
    float square = 0;
    for (std::ptrdiff_t c = 0; c < length; ++c) {
      float const p = parameters[static_cast<std::size_t>(k * length + c)];
      square += p * p;
    }
    most = std::max(most, std::sqrt(square));
  }
  return most;
}

}  // namespace

/// Σ |φ x| r is at most |φ| times the length of x r, the root of its length; scores go through gates with a slope below 1 of
/// α s, and logits through a projection that does not expand them by more than 4.
TEMPLATE_TEST_CASE("products with phi of fewer bits are wrong by no more than these", "[cuda][gates][elements]", float,
                   mhc::bfloat16, mhc::half) {
  std::ptrdiff_t const batch = 1100, channels = 104, length = 4 * channels;  // too many tokens for one launch
  auto const kind = in_tf32<TestType>::make(channels);
  auto const p = random_parameters(kind);
  auto const x = gaussian<TestType>(batch * length, 1, 29);
  std::vector<float> const numbers(x.begin(), x.end());
  float alpha = 0;
  for (std::ptrdiff_t k = 0; k < 3; ++k)
    alpha = std::max(alpha, std::abs(p[static_cast<std::size_t>(phi_size(kind) + k)]));
  long double const bound =
      4.L * alpha * lost<TestType> * longest_row(p, length, 24) * std::sqrt(static_cast<float>(length)) +
      4 * chain<float>(4, channels);

  auto const h = run_gates<in_tf32<TestType>>(false, kind, p, x);
  auto const e = run_gates<on_host>(false, kind, p, numbers);
  CHECK(error(h.pre, e.pre) <= bound);
  CHECK(error(h.post, e.post) <= bound);
  CHECK(error(h.res, e.res) <= bound);
  CHECK(error(h.res, e.res) > lost<TestType> / 16);  // they are of fewer bits: of all, it is 5e-7

  auto const g = random_cotangents<TestType>(true, kind, batch);
  auto const d = run_gates_vjp<in_tf32<TestType>>(true, kind, p, x, g);
  auto const f = run_gates_vjp<on_host>(true, kind, p, numbers, g);
  CHECK(error_beyond_rounding<TestType>(d.x, widen(f.x)) <= 16 * bound * largest(f.x));
  CHECK(relative_error(d.parameters, widen(f.parameters)) <= 16 * bound);
}

TEST_CASE("on the host a kind with tf32 is the kind", "[gates][elements]") {
  using with = kind_case<mhc::simd_t, float, 4, mhc_tf32>;
  using without = kind_case<mhc::simd_t, float, 4, mhc_sinkhorn>;
  auto const kind = with::make(37);
  auto const p = random_parameters(kind);
  auto const x = gaussian<float>(35 * 4 * 37, 1, 29);
  auto const h = run_gates<with>(true, kind, p, x), e = run_gates<without>(true, without::make(37), p, x);
  REQUIRE((same_bits(h.pre, e.pre) && same_bits(h.post, e.post) && same_bits(h.res, e.res) && same_bits(h.u, e.u)));
}
