// SPDX-License-Identifier: MIT
// Every family of residual mixing starts near the identity, and where it can learn.

#include "support/families.hpp"

#include <mhc/mhc.hpp>

#include <tuple>

using namespace mhc::test;

namespace {

template <class Family, int Order>
struct start_of {
  using family = Family;
  static constexpr int n = Order;
};

template <class Family, int... Orders>
using orders = std::tuple<start_of<Family, Orders>...>;

using starts =
    joined<orders<mhc::identity, 1, 4>, orders<mhc::unconstrained, 1, 4>, orders<mhc::permutation, 1, 2, 3, 4>,
           orders<mhc::kronecker, 1, 2, 4, 8>, orders<mhc::circulant, 1, 2, 4>, orders<mhc::orthogonal, 1, 2, 4>,
           orders<mhc::orthostochastic<1>, 2, 4>, orders<mhc::orthostochastic<2>, 1, 2, 4>,
           orders<mhc::transport, 1, 2, 4, 8>, orders<mhc::euclidean, 1, 2, 4>, orders<mhc::entropic, 1, 2, 4>,
           orders<mhc::sinkhorn<>, 2, 4>>;

}  // namespace

TEMPLATE_LIST_TEST_CASE("a family starts near the identity and can leave it", "[compose][initialise][families]",
                        starts) {
  constexpr int N = TestType::n, K = mhc::logits_of<typename TestType::family, N>;
  using one = test_case<mhc::cpu::sequential_policy, double, N>;
  mhc::connection<double, N, typename TestType::family> const kind{.channels = 3};
  for (double const diagonal : {3., 8.}) {
    CAPTURE(N, diagonal);
    std::vector<double> p(static_cast<std::size_t>(mhc::parameter_count(kind)), not_a_number<double>);
    mhc::initialise(kind, 0, p, diagonal);
    REQUIRE(!any_nan(p));
    auto const* const bias = mhc::parameters_at(kind, p.data()).bias;
    std::vector<double> const z(bias + 2 * N, bias + 2 * N + K);
    auto const plan = plans<one>(kind.projection, z, 1);
    for (std::size_t k = 0; k < plan.size(); ++k) {
      bool const on_diagonal = k % (N + 1) == 0;
      // an entry off the diagonal is at most about e^−diagonal, with those in one line added up on it
      double const off = 1.5 * std::exp(-diagonal);
      REQUIRE(std::abs(plan[k] - (on_diagonal ? 1 : 0)) <= (on_diagonal ? N * off : off));
    }
    auto const gradient = vjps<one>(kind.projection, z, gaussian<double>(N * N), 1);
    if (K > 0 && !(N == 1 && worst_sum<N>(plan) <= 8 * eps<double>)) REQUIRE(largest(gradient) > 0);
  }
}

TEMPLATE_LIST_TEST_CASE("a stack of fresh connections of a family carries equal streams unchanged",
                        "[compose][initialise][families]", starts) {
  constexpr int N = TestType::n;
  std::ptrdiff_t const tokens = 2, channels = 3, layers = 3;
  using kind = mhc::connection<double, N, typename TestType::family>;
  mhc::stack<kind> const network{kind{.channels = channels}, layers};
  auto const each = static_cast<std::size_t>(mhc::parameter_count(network.connection));
  std::vector<double> p(each * layers);
  for (std::size_t l = 0; l < layers; ++l)
    mhc::initialise(network.connection, static_cast<std::ptrdiff_t>(l), std::span<double>(p).subspan(l * each, each));
  std::vector<double> x(tokens * N * channels), out(x.size());
  for (std::size_t k = 0; k < x.size(); ++k) x[k] = std::sin(double(k / (N * channels) * channels + k % channels));
  std::vector<double> memory(static_cast<std::size_t>(mhc::workspace_size(network, tokens)));
  mhc::propagate(mhc::seq, network, p.data(), {x.data(), tokens, channels}, {out.data(), tokens, channels}, memory,
                 [](std::ptrdiff_t, mhc::token_view<double const> u, mhc::token_view<double> y) {
                   for (std::ptrdiff_t k = 0; k < u.size * u.channels; ++k) y.data[k] = 0;
                 });
  // rows of H_res sum to 1 in every one of them; Newton's and Sinkhorn's to N·eps per layer
  REQUIRE(error(out, x) <= layers * 4 * N * eps<double>);
}
