// SPDX-License-Identifier: MIT
// What `coefficients`, `pre` and the learned `contract` refuse.

#include "support/kinds.hpp"
#include "support/refusals.hpp"

#include <mhc/ops/contract/contract.hpp>

using namespace mhc::test;
using mhc::update;

template <class K, int N>
struct of {
  using type = decltype(K::template make<float, N>(5));
  static constexpr int n = N;
};

/// Arguments of the forward operations; with u it is `pre`.
template <class Policy, class Kind, bool WithU>
struct forward_call {
  static constexpr int N = Kind::streams;
  Policy policy;
  Kind kind;
  mhc::stream_view<float, N> x;
  float *phi, *alpha, *bias;
  mhc::vector_view<float, N> h_pre, h_post;
  mhc::batch_view<float, N> h_res;
  mhc::token_view<float> u;
  mhc::score_view<Kind> scores;
  static constexpr char const* leader = "x";
  template <class F>
  void each(F f) {
    f("x", x, false);
    if (phi_size(kind) > 0) f("parameters.phi", phi, false), f("parameters.alpha", alpha, false);
    if (bias_size(kind) > 0) f("parameters.bias", bias, false);
    f("h_pre", h_pre, true), f("h_post", h_post, true), f("h_res", h_res, true);
    if (WithU) f("u", u, true);
    f("scores", scores, true);
  }
  void run() const {
    mhc::parameters_of<Kind> const p{phi, alpha, bias};
    if constexpr (WithU) {
      mhc::pre(policy, kind, p, x, h_pre, h_post, h_res, u, scores);
    } else {
      mhc::coefficients(policy, kind, p, x, h_pre, h_post, h_res, scores);
    }
  }
  bool may_share(std::string const&, std::string const&) const { return false; }
};

template <class Policy, class Kind, bool WithU>
struct backward_call {
  static constexpr int N = Kind::streams;
  Policy policy;
  Kind kind;
  mhc::stream_view<float, N> x;
  float *phi, *alpha, *bias;
  mhc::vector_view<float, N> h_pre_gradient, h_post_gradient;
  mhc::batch_view<float, N> h_res_gradient;
  mhc::token_view<float> u_gradient;
  mhc::stream_view<float, N> x_gradient;
  float *phi_gradient, *alpha_gradient, *bias_gradient;
  mhc::score_view<Kind> scores;
  static constexpr char const* leader = "x";
  template <class F>
  void each(F f) {
    f("x", x, false);
    if (phi_size(kind) > 0) {
      f("parameters.phi", phi, false), f("parameters.alpha", alpha, false);
      f("parameters_gradient.phi", phi_gradient, true), f("parameters_gradient.alpha", alpha_gradient, true);
    }
    if (bias_size(kind) > 0) f("parameters.bias", bias, false), f("parameters_gradient.bias", bias_gradient, true);
    if (WithU) f("u_gradient", u_gradient, false);
    if (!WithU) f("h_pre_gradient", h_pre_gradient, false);
    f("h_post_gradient", h_post_gradient, false), f("h_res_gradient", h_res_gradient, false);
    f("x_gradient", x_gradient, true), f("scores", scores, false);
  }
  void run() const {
    mhc::parameters_of<Kind> const p{phi, alpha, bias}, q{phi_gradient, alpha_gradient, bias_gradient};
    auto const mode = mhc::update::overwrite;
    if constexpr (WithU) {
      mhc::pre_vjp(policy, kind, p, x, u_gradient, h_post_gradient, h_res_gradient, x_gradient, q, mode, scores);
    } else {
      mhc::coefficients_vjp(policy, kind, p, x, h_pre_gradient, h_post_gradient, h_res_gradient, x_gradient, q, mode,
                            scores);
    }
  }
  bool may_share(std::string const&, std::string const&) const { return false; }
};

template <class Policy, bool WithU, class Kind>
void refuse_forward(std::string const& operation, Kind const& kind) {
  constexpr int N = Kind::streams;
  arena<float> a;
  require_refusals(operation,
                   forward_call<Policy, Kind, WithU>{{},
                                                     kind,
                                                     a.streams<N>(4, 5),
                                                     a.take(phi_size(kind)),
                                                     a.take(3),
                                                     a.take(bias_size(kind)),
                                                     a.vectors<N>(4),
                                                     a.vectors<N>(4),
                                                     a.matrices<N>(4),
                                                     a.tokens(4, 5),
                                                     a.vectors<mhc::kept_numbers<Kind>>(4)},
                   a);
}

template <class Policy, bool WithU, class Kind>
void refuse_backward(std::string const& operation, Kind const& kind) {
  constexpr int N = Kind::streams;
  arena<float> a;
  require_refusals(operation,
                   backward_call<Policy, Kind, WithU>{{},
                                                      kind,
                                                      a.streams<N>(4, 5),
                                                      a.take(phi_size(kind)),
                                                      a.take(3),
                                                      a.take(bias_size(kind)),
                                                      a.vectors<N>(4),
                                                      a.vectors<N>(4),
                                                      a.matrices<N>(4),
                                                      a.tokens(4, 5),
                                                      a.streams<N>(4, 5),
                                                      a.take(phi_size(kind)),
                                                      a.take(3),
                                                      a.take(bias_size(kind)),
                                                      a.vectors<mhc::kept_numbers<Kind>>(4)},
                   a);
}

TEMPLATE_TEST_CASE("coefficients and pre refuse arguments that do not fit", "[ops][pre][coefficients][error]",
                   (of<plain, 1>), (of<hc_static, 2>), (of<hc_dynamic, 2>), (of<mhc_sinkhorn, 3>)) {
  typename TestType::type kind{};
  kind.channels = 5;
  using seq_t = mhc::cpu::sequential_policy;
  refuse_forward<seq_t, false>("mhc::coefficients", kind);
  refuse_forward<seq_t, true>("mhc::pre", kind);
  refuse_backward<seq_t, false>("mhc::coefficients_vjp", kind);
  refuse_backward<seq_t, true>("mhc::pre_vjp", kind);
  if constexpr (decltype(kind)::rows == 1) {
    refuse_forward<mhc::simd_t, true>("mhc::pre", kind);
    refuse_backward<mhc::simd_t, true>("mhc::pre_vjp", kind);
  }
}

TEST_CASE("options and channels of a connection are refused by name", "[ops][pre][coefficients][error]") {
  constexpr int N = 2;
  arena<float> a;
  auto const x = a.streams<N>(4, 5);
  auto const v = a.vectors<N>(4), w = a.vectors<N>(4);
  auto const m = a.matrices<N>(4);
  auto const u = a.tokens(4, 5);
  auto const xg = a.streams<N>(4, 5);
  auto const before = a.memory();
  auto const says = [&](auto const& kind) {
    auto const p = parameters_at(kind, a.take(100)), q = parameters_at(kind, a.take(100));
    auto const one = refusal([&] { mhc::coefficients(mhc::simd, kind, p, x, v, w, m); });
    auto const two = refusal([&] { mhc::pre(mhc::seq, kind, p, x, v, w, m, u); });
    auto const three = refusal([&] { mhc::coefficients_vjp(mhc::seq, kind, p, x, v, w, m, xg, q); });
    auto const four = refusal([&] { mhc::pre_vjp(mhc::simd, kind, p, x, u, w, m, xg, q); });
    REQUIRE(same_bits(before, a.memory()));
    REQUIRE(one.find("mhc::coefficients: ") != std::string::npos);
    REQUIRE(two.find("mhc::pre: ") != std::string::npos);
    REQUIRE(three.find("mhc::coefficients_vjp: ") != std::string::npos);
    REQUIRE(four.find("mhc::pre_vjp: ") != std::string::npos);
    return two;
  };
  REQUIRE_THAT(says(mhc::hyper_connection<float, N>{.channels = 4}),
               contains("mhc::pre: x has 5 channels, expected 4 as in connection.channels"));
  REQUIRE_THAT(says(mhc::connection<float, N, paper>{.channels = 5, .projection = {.iterations = 0}}),
               contains("option: mhc::pre: sinkhorn.iterations is 0"));
  REQUIRE_THAT(says(mhc::connection<float, N, mhc::entropic>{.channels = 5, .projection = {.max_iterations = 0}}),
               contains("option: mhc::pre: entropic.max_iterations is 0"));
}

TEMPLATE_TEST_CASE("coefficients and pre take null pointers for an empty batch", "[ops][pre][coefficients]",
                   mhc::cpu::sequential_policy, mhc::simd_t) {
  constexpr int N = 2;
  mhc::connection<float, N, paper> const kind{.channels = 5};
  auto p = random_parameters(kind), q = p;
  auto const params = parameters_at(kind, p.data());
  auto const gradients = parameters_at(kind, q.data());
  mhc::stream_view<float, N> const x{nullptr, 0, 5};
  mhc::token_view<float> const u{nullptr, 0, 5};
  mhc::coefficients(TestType{}, kind, params, x, {}, {}, {});
  mhc::pre(TestType{}, kind, params, x, {}, {}, {}, u);
  mhc::coefficients_vjp(TestType{}, kind, params, x, {}, {}, {}, x, gradients);
  mhc::pre_vjp(TestType{}, kind, params, x, u, {}, {}, x, gradients);
  REQUIRE(same_bits(p, q));
}

TEMPLATE_TEST_CASE("the plain residual takes no parameters at all", "[ops][pre][coefficients]",
                   mhc::cpu::sequential_policy, mhc::simd_t) {
  auto const x = gaussian<float>(3 * 700);
  guarded<float> pre(3), post(3), res(3), u(3 * 700), xg(3 * 700);
  mhc::residual<float> const kind{.channels = 700};
  mhc::stream_view<float const, 1> const xv{x.data(), 3, 700};
  mhc::pre(TestType{}, kind, {}, xv, {pre.data(), 3}, {post.data(), 3}, {res.data(), 3}, {u.data(), 3, 700});
  REQUIRE(same_bits(u.values(), x));
  mhc::pre_vjp(TestType{}, kind, {}, xv, {u.data(), 3, 700}, {post.data(), 3}, {res.data(), 3}, {xg.data(), 3, 700},
               {});
  REQUIRE(same_bits(xg.values(), x));
}
