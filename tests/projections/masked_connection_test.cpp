// SPDX-License-Identifier: MIT
// A mask inside a connection: a bias of −infinity.

#include "support/arrays.hpp"

#include <mhc/ops/coefficients/coefficients.hpp>
#include <mhc/projections/entropic.hpp>
#include <mhc/projections/sinkhorn.hpp>

using namespace mhc::test;

namespace {

/// Streams 0, 1 and streams 2, 3 never meet.
template <class Projection>
void require_masked(Projection const& projection) {
  constexpr int N = 4;
  constexpr std::ptrdiff_t tokens = 5, channels = 3;
  using kind = mhc::connection<double, N, Projection>;
  kind const connection{.channels = channels, .projection = projection};
  auto p = gaussian<double>(mhc::parameter_count(connection));
  auto const parameters = mhc::parameters_at(connection, p.data());
  for (int k = 0; k < N * N; ++k)
    if (k / N / 2 != k % N / 2) parameters.bias[2 * N + k] = -infinity<double>;
  auto const x = gaussian<double>(tokens * N * channels, 1, 2), g = gaussian<double>(tokens * N * N, 1, 3);
  std::vector<double> pre(tokens * N), post(pre), res(tokens * N * N), x_gradient(x.size()), p_gradient(p.size());
  mhc::coefficients(mhc::simd, connection, parameters, {x.data(), tokens, channels}, {pre.data(), tokens},
                    {post.data(), tokens}, {res.data(), tokens});
  for (std::size_t k = 0; k < res.size(); ++k) {
    bool const masked = k / N % N / 2 != k % N / 2;
    REQUIRE((res[k] == 0) == masked);
  }
  mhc::coefficients_vjp(mhc::simd, connection, parameters, {x.data(), tokens, channels}, {pre.data(), tokens},
                        {post.data(), tokens}, {g.data(), tokens}, {x_gradient.data(), tokens, channels},
                        mhc::parameters_at(connection, p_gradient.data()));
  REQUIRE(!any_nan(x_gradient));
  REQUIRE(!any_nan(p_gradient));
  auto const* const bias_gradient = mhc::parameters_at(connection, p_gradient.data()).bias + 2 * N;
  for (int k = 0; k < N * N; ++k) REQUIRE((bias_gradient[k] == 0) == (k / N / 2 != k % N / 2));
}

}  // namespace

TEST_CASE("a bias of minus infinity keeps streams apart", "[projections][mask][connection]") {
  require_masked(mhc::entropic{});
  require_masked(mhc::sinkhorn<>{});
  require_masked(mhc::sinkhorn<mhc::convention::log_domain>{});
}
