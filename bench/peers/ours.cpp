// SPDX-License-Identifier: MIT
// The operations that race.py races, for ctypes: float, 4 streams, 20 Sinkhorn iterations, tensors as NumPy stores them.
// threads as in simd.with_threads. Gradients of parameters are overwritten here. Forward keeps the scores, (tokens, K + 1),
// for the gradients, as frameworks keep what theirs need.

#include <mhc/mhc.hpp>

#include <algorithm>
#include <cstddef>

namespace {

using T = float;
constexpr int N = 4;
using kind = mhc::connection<T, N, mhc::sinkhorn<>>;
using length = std::ptrdiff_t;

mhc::connection_parameters<T const, N, mhc::sinkhorn<>> parameters(T const* phi, T const* alpha, T const* bias) {
  return {phi, alpha, bias};
}

mhc::connection_parameters<T, N, mhc::sinkhorn<>> zeroed(length C, T* phi, T* alpha, T* bias) {
  constexpr int K = N * N + 2 * N;
  std::fill_n(phi, K * N * C, T(0));
  std::fill_n(alpha, 3, T(0));
  std::fill_n(bias, K, T(0));
  return {phi, alpha, bias};
}

}  // namespace

extern "C" {

void project(int threads, length B, T const* logits, T* plan) {
  mhc::project(mhc::simd.with_threads(threads), mhc::sinkhorn<>{}, {logits, B}, mhc::batch_view<T, N>{plan, B});
}

void project_vjp(int threads, length B, T const* logits, T const* plan, T const* plan_gradient, T* logits_gradient) {
  mhc::project_vjp(mhc::simd.with_threads(threads), mhc::sinkhorn<>{}, {logits, B},
                   mhc::batch_view<T const, N>{plan, B}, {plan_gradient, B}, {logits_gradient, B});
}

void coefficients(int threads, length B, length C, T const* phi, T const* alpha, T const* bias, T const* x, T* h_pre,
                  T* h_post, T* h_res, T* scores) {
  mhc::coefficients(mhc::simd.with_threads(threads), kind{.channels = C}, parameters(phi, alpha, bias), {x, B, C},
                    {h_pre, B}, {h_post, B}, {h_res, B}, {scores, B});
}

void coefficients_vjp(int threads, length B, length C, T const* phi, T const* alpha, T const* bias, T const* x,
                      T const* scores, T const* h_pre_gradient, T const* h_post_gradient, T const* h_res_gradient,
                      T* x_gradient, T* phi_gradient, T* alpha_gradient, T* bias_gradient) {
  mhc::coefficients_vjp(mhc::simd.with_threads(threads), kind{.channels = C}, parameters(phi, alpha, bias), {x, B, C},
                        {h_pre_gradient, B}, {h_post_gradient, B}, {h_res_gradient, B}, {x_gradient, B, C},
                        zeroed(C, phi_gradient, alpha_gradient, bias_gradient), mhc::update::overwrite, {scores, B});
}

void pre(int threads, length B, length C, T const* phi, T const* alpha, T const* bias, T const* x, T* h_pre, T* h_post,
         T* h_res, T* u, T* scores) {
  mhc::pre(mhc::simd.with_threads(threads), kind{.channels = C}, parameters(phi, alpha, bias), {x, B, C}, {h_pre, B},
           {h_post, B}, {h_res, B}, {u, B, C}, {scores, B});
}

void pre_vjp(int threads, length B, length C, T const* phi, T const* alpha, T const* bias, T const* x, T const* scores,
             T const* u_gradient, T const* h_post_gradient, T const* h_res_gradient, T* x_gradient, T* phi_gradient,
             T* alpha_gradient, T* bias_gradient) {
  mhc::pre_vjp(mhc::simd.with_threads(threads), kind{.channels = C}, parameters(phi, alpha, bias), {x, B, C},
               {u_gradient, B, C}, {h_post_gradient, B}, {h_res_gradient, B}, {x_gradient, B, C},
               zeroed(C, phi_gradient, alpha_gradient, bias_gradient), mhc::update::overwrite, {scores, B});
}

void mix(int threads, length B, length C, T const* h_res, T const* h_post, T const* x, T const* y, T* x_next) {
  mhc::mix(mhc::simd.with_threads(threads), {h_res, B}, {h_post, B}, mhc::stream_view<T const, N>{x, B, C}, {y, B, C},
           {x_next, B, C});
}

void mix_vjp(int threads, length B, length C, T const* h_res, T const* h_post, T const* x, T const* y,
             T const* x_next_gradient, T* h_res_gradient, T* h_post_gradient, T* x_gradient, T* y_gradient) {
  mhc::mix_vjp(mhc::simd.with_threads(threads), {h_res, B}, {h_post, B}, mhc::stream_view<T const, N>{x, B, C},
               {y, B, C}, {x_next_gradient, B, C}, {h_res_gradient, B}, {h_post_gradient, B}, {x_gradient, B, C},
               {y_gradient, B, C});
}

void mix_pre(int threads, length B, length C, T const* h_res, T const* h_post, T const* x, T const* y, T const* phi,
             T const* alpha, T const* bias, T* x_next, T* next_h_pre, T* next_h_post, T* next_h_res, T* u, T* scores) {
  mhc::mix_pre(mhc::simd.with_threads(threads), {h_res, B}, {h_post, B}, mhc::stream_view<T const, N>{x, B, C},
               {y, B, C}, kind{.channels = C}, parameters(phi, alpha, bias), {x_next, B, C}, {next_h_pre, B},
               {next_h_post, B}, {next_h_res, B}, {u, B, C}, {scores, B});
}

void mix_pre_vjp(int threads, length B, length C, T const* h_res, T const* h_post, T const* x, T const* y, T const* phi,
                 T const* alpha, T const* bias, T const* x_next, T const* scores, T* x_next_gradient,
                 T const* u_gradient, T const* next_h_post_gradient, T const* next_h_res_gradient, T* h_res_gradient,
                 T* h_post_gradient, T* x_gradient, T* y_gradient, T* phi_gradient, T* alpha_gradient,
                 T* bias_gradient) {
  mhc::mix_pre_vjp(mhc::simd.with_threads(threads), {h_res, B}, {h_post, B}, mhc::stream_view<T const, N>{x, B, C},
                   {y, B, C}, kind{.channels = C}, parameters(phi, alpha, bias), {x_next, B, C},
                   {x_next_gradient, B, C}, {u_gradient, B, C}, {next_h_post_gradient, B}, {next_h_res_gradient, B},
                   {h_res_gradient, B}, {h_post_gradient, B}, {x_gradient, B, C}, {y_gradient, B, C},
                   zeroed(C, phi_gradient, alpha_gradient, bias_gradient), {scores, B});
}

/// A layer around the identity, backward: y is u. h_res_gradient, h_post_gradient and u_gradient are scratch.
void layer_vjp(int threads, length B, length C, T const* phi, T const* alpha, T const* bias, T const* h_res,
               T const* h_post, T const* x, T const* scores, T const* u, T const* x_next_gradient, T* h_res_gradient,
               T* h_post_gradient, T* u_gradient, T* x_gradient, T* phi_gradient, T* alpha_gradient, T* bias_gradient) {
  auto const policy = mhc::simd.with_threads(threads);
  mix_vjp(threads, B, C, h_res, h_post, x, u, x_next_gradient, h_res_gradient, h_post_gradient, x_gradient, u_gradient);
  mhc::pre_vjp(policy, kind{.channels = C}, parameters(phi, alpha, bias), {x, B, C}, {u_gradient, B, C},
               {h_post_gradient, B}, {h_res_gradient, B}, {x_gradient, B, C},
               zeroed(C, phi_gradient, alpha_gradient, bias_gradient), mhc::update::accumulate, {scores, B});
}
}
