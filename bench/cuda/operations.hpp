// SPDX-License-Identifier: MIT
#pragma once

// What is timed, written once: nvcc compiles it for the device, the host's compiler for mhc::simd.

#include <mhc/ops/aggregate/aggregate.hpp>
#include <mhc/ops/coefficients/coefficients.hpp>
#include <mhc/ops/contract/contract.hpp>
#include <mhc/ops/expand/expand.hpp>
#include <mhc/ops/marginal_error/marginal_error.hpp>
#include <mhc/ops/mix/mix.hpp>
#include <mhc/ops/mix_pre/mix_pre.hpp>
#include <mhc/ops/pre/pre.hpp>
#include <mhc/ops/project/project.hpp>
#include <mhc/projections/entropic.hpp>
#include <mhc/projections/sinkhorn.hpp>

#include <cstddef>

namespace mhc::bench {

/// Everything that the operations on tokens read and write: streams of S, four of them.
template <class S>
struct token_arrays {
  static constexpr int N = 4;
  using kind_type = connection<float, N, sinkhorn<>>;

  std::ptrdiff_t tokens;
  kind_type kind;
  S *x, *x_next, *x_gradient, *y, *u;
  float *h_pre, *h_post, *h_res, *pre_gradient, *post_gradient, *res_gradient, *scores;
  parameters_of<kind_type, float> parameters, parameters_gradient;

  /// some.template operator()<E>(count, scale): memory with random numbers of variance scale².
  template <class Some>
  token_arrays(std::ptrdiff_t batch, std::ptrdiff_t channels, Some const& some)
      : tokens(batch), kind{.channels = channels, .projection = {.iterations = 20, .gradient = gradient::implicit}} {
    std::ptrdiff_t const s = tokens * N * channels, t = tokens * channels, h = tokens * N, m = tokens * N * N;
    for (S** const at : {&x, &x_next, &x_gradient}) *at = some.template operator()<S>(s, 1);
    for (S** const at : {&y, &u}) *at = some.template operator()<S>(t, 1);
    for (float** const at : {&h_pre, &h_post, &pre_gradient, &post_gradient})
      *at = some.template operator()<float>(h, 1);
    for (float** const at : {&h_res, &res_gradient}) *at = some.template operator()<float>(m, 1);
    scores = some.template operator()<float>(tokens * kept_numbers<kind_type>, 1);
    for (auto* const p : {&parameters, &parameters_gradient})  // as models start: logits of order 1
      *p = {
        some.template operator()<float>(phi_size(kind), 1),
        some.template operator()<float>(alpha_size(kind), .01),
        some.template operator()<float>(bias_size(kind), 1)
      };
  }

  stream_view<S, N> streams(S* at) const { return {at, tokens, kind.channels}; }
  token_view<S> token(S* at) const { return {at, tokens, kind.channels}; }
  vector_view<float, N> vectors(float* at) const { return {at, tokens}; }
  batch_view<float, N> matrices(float* at) const { return {at, tokens}; }
  score_view<kind_type> kept() const { return {scores, tokens}; }
};

/// visit(operation, bytes, run) for every operation on tokens, where run(policy, arrays) does it. Bytes: every input read
/// once, every output written once; of a layer, around an F that is not ours, those of its two operations.
template <class S, class Visit>
void for_each_token_operation(std::ptrdiff_t tokens, std::ptrdiff_t channels, Visit const& visit) {
  using arrays = token_arrays<S>;
  constexpr int N = arrays::N;
  auto const B = static_cast<double>(tokens), t = B * static_cast<double>(channels) * sizeof(S), s = N * t,
             h = B * N * sizeof(float), m = N * h, k = B * kept_numbers<typename arrays::kind_type> * sizeof(float),
             p = static_cast<double>(parameter_count(typename arrays::kind_type{.channels = channels})) * sizeof(float);
  auto const mix_forward = [](auto const& policy, arrays const& a) {
    mix(policy, a.matrices(a.h_res), a.vectors(a.h_post), a.streams(a.x), a.token(a.y), a.streams(a.x_next));
  };
  auto const mix_backward = [](auto const& policy, arrays const& a) {
    mix_vjp(policy, a.matrices(a.h_res), a.vectors(a.h_post), a.streams(a.x), a.token(a.y), a.streams(a.x_gradient),
            a.matrices(a.res_gradient), a.vectors(a.post_gradient), a.streams(a.x_next), a.token(a.u));
  };
  auto const pre_forward = [](auto const& policy, arrays const& a) {
    pre(policy, a.kind, a.parameters, a.streams(a.x), a.vectors(a.h_pre), a.vectors(a.h_post), a.matrices(a.h_res),
        a.token(a.u));
  };
  auto const pre_backward = [](update mode, bool from_scores) {
    return [mode, from_scores](auto const& policy, arrays const& a) {
      pre_vjp(policy, a.kind, a.parameters, a.streams(a.x), a.token(a.u), a.vectors(a.post_gradient),
              a.matrices(a.res_gradient), a.streams(a.x_next), a.parameters_gradient, mode,
              from_scores ? a.kept() : decltype(a.kept()){});
    };
  };
  double const mix_bytes = 2 * s + t + h + m, mix_vjp_bytes = 3 * s + 2 * t + 2 * h + 2 * m;
  double const pre_bytes = s + t + 2 * h + m + p, pre_vjp_bytes = 2 * s + t + h + m + 3 * p;
  visit("mix", mix_bytes, mix_forward);
  visit("mix_vjp", mix_vjp_bytes, mix_backward);
  visit("aggregate", s + t + h, [](auto const& policy, arrays const& a) {
    aggregate(policy, a.vectors(a.h_pre), a.streams(a.x), a.token(a.u));
  });
  visit("aggregate_vjp", 2 * s + t + 2 * h, [](auto const& policy, arrays const& a) {
    aggregate_vjp(policy, a.vectors(a.h_pre), a.streams(a.x), a.token(a.y), a.vectors(a.pre_gradient),
                  a.streams(a.x_gradient));
  });
  visit("expand", s + t,
        [](auto const& policy, arrays const& a) { expand(policy, a.token(a.y), a.streams(a.x_next)); });
  visit("contract", s + t,
        [](auto const& policy, arrays const& a) { contract(policy, contraction::sum, a.streams(a.x), a.token(a.u)); });
  visit("coefficients", s + 2 * h + m + p, [](auto const& policy, arrays const& a) {
    coefficients(policy, a.kind, a.parameters, a.streams(a.x), a.vectors(a.h_pre), a.vectors(a.h_post),
                 a.matrices(a.h_res));
  });
  visit("pre", pre_bytes, pre_forward);
  visit("pre_vjp", pre_vjp_bytes, pre_backward(update::overwrite, false));
  visit("pre_vjp, kept scores", pre_vjp_bytes + k, pre_backward(update::overwrite, true));
  visit("mix_pre", mix_bytes + t + 2 * h + m + p, [](auto const& policy, arrays const& a) {
    mix_pre(policy, a.matrices(a.res_gradient), a.vectors(a.post_gradient), a.streams(a.x), a.token(a.y), a.kind,
            a.parameters, a.streams(a.x_next), a.vectors(a.h_pre), a.vectors(a.h_post), a.matrices(a.h_res),
            a.token(a.u));
  });
  visit("layer", pre_bytes + mix_bytes, [=](auto const& policy, arrays const& a) {
    pre_forward(policy, a);
    mix_forward(policy, a);
  });
  visit("layer_vjp", mix_vjp_bytes + pre_vjp_bytes + s + k, [=](auto const& policy, arrays const& a) {
    mix_backward(policy, a);
    pre_backward(update::accumulate, true)(policy, a);
  });
}

/// Matrices of order 4.
struct matrix_arrays {
  static constexpr int N = 4;

  std::ptrdiff_t size;
  float *logits, *plan, *gradient, *out;

  template <class Some>
  matrix_arrays(std::ptrdiff_t matrices, Some const& some) : size(matrices) {
    for (float** const at : {&logits, &plan, &gradient, &out}) *at = some.template operator()<float>(size * N * N, 1);
  }
  batch_view<float, N> view(float* at) const { return {at, size}; }
};

template <class Visit>
void for_each_projection(std::ptrdiff_t matrices, Visit const& visit) {
  double const m = static_cast<double>(matrices) * matrix_arrays::N * matrix_arrays::N * sizeof(float);
  auto const backward = [](auto const& projection) {
    return [projection](auto const& policy, matrix_arrays const& a) {
      project_vjp(policy, projection, a.view(a.logits), a.view(a.plan), a.view(a.gradient), a.view(a.out));
    };
  };
  auto const forward = [](auto const& projection) {
    return [projection](auto const& policy, matrix_arrays const& a) {
      project(policy, projection, a.view(a.logits), a.view(a.plan));
    };
  };
  visit("project sinkhorn", 2 * m, forward(sinkhorn<>{}));
  visit("project_vjp sinkhorn unrolled", 4 * m, backward(sinkhorn<>{}));
  visit("project_vjp sinkhorn implicit", 4 * m, backward(sinkhorn<>{.gradient = gradient::implicit}));
  visit("project_jvp sinkhorn", 4 * m, [](auto const& policy, matrix_arrays const& a) {
    project_jvp(policy, sinkhorn<>{}, a.view(a.logits), a.view(a.plan), a.view(a.gradient), a.view(a.out));
  });
  visit("project entropic", 2 * m, forward(entropic{}));
  visit("marginal_error", m + m / 16,
        [](auto const& policy, matrix_arrays const& a) { marginal_error(policy, a.view(a.plan), {a.out, a.size}); });
}

}  // namespace mhc::bench
