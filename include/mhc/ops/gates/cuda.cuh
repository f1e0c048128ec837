// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/ops/aggregate/cuda.cuh>
#include <mhc/ops/device.cuh>
#include <mhc/ops/gates/gradients.cuh>
#include <mhc/ops/gates/products.cuh>
#include <mhc/ops/gates/types.hpp>
#include <mhc/ops/gates/workspace.cuh>
#include <mhc/ops/parameters.hpp>

namespace mhc::cuda {

template <int W, class Kind, class T, int N>
__global__ void __launch_bounds__(detail::product_shape<Kind, T>::threads)
    gates_kernel(Kind kind, parameters_of<Kind, T const> parameters, stream_view<T const, N> x, std::ptrdiff_t length,
                 bool dynamic, detail::gate_outputs<T, N> out) {
  detail::for_each_token_scores<W>(kind, parameters.phi, x.data, x.size, length, dynamic,
                                   [&](std::ptrdiff_t b, detail::device_token_scores<Kind, T> const& s) {
                                     auto const h = kind.gate(s.score, parameters.alpha, parameters.bias);
                                     MHC_UNROLL for (int i = 0; i < N; ++i) out.h_pre.data[b * N + i] = h[i];
                                     if constexpr (Kind::outputs > N) {
                                       MHC_UNROLL for (int i = 0; i < N; ++i) out.h_post.data[b * N + i] = h[N + i];
                                       MHC_UNROLL for (int k = 0; k < N * N; ++k) out.h_res.data[b * N * N + k] =
                                           h[2 * N + k];
                                     }
                                   });
}

/// Coefficients in one scan of x; then u, where it is wanted, in another.
template <class Kind, class T, int N>
void gates_impl(policy const& where, Kind const& kind, parameters_of<Kind, T const> const& parameters,
                stream_view<T const, N> x, detail::gate_outputs<T, N> const& out) {
  constexpr char const* operation = "mhc::coefficients, pre, contract";
  detail::require_device_memory(operation, "x", x.data, "parameters.phi", parameters.phi, "parameters.alpha",
                                parameters.alpha, "parameters.bias", parameters.bias, "h_pre", out.h_pre.data, "h_post",
                                out.h_post.data, "h_res", out.h_res.data, "u", out.u.data);
  if (x.size == 0) return;
  using shape = detail::product_shape<Kind, T>;
  constexpr int W = detail::pack_width<T>;
  std::ptrdiff_t const length = row_length(kind);
  bool const packed = detail::can_pack<T>(x.channels, x.data, parameters.phi);
  detail::launch(where, operation, packed ? gates_kernel<W, Kind, T, N> : gates_kernel<1, Kind, T, N>,
                 detail::block_count(x.size, shape::tokens), shape::threads, kind, parameters, x, length,
                 is_dynamic(kind), out);
  if (out.u.data != nullptr) aggregate_impl(where, vector_view<T const, N>(out.h_pre), x, out.u);
}

/// One scan of x for the scores, which are computed again; one for the gradient of x; one for that of φ.
template <class Kind, class T, int N>
void gates_vjp_impl(policy const& where, Kind const& kind, parameters_of<Kind, T const> const& parameters,
                    stream_view<T const, N> x, detail::gate_output_gradients<T, N> const& in,
                    stream_view<T, N> x_gradient, parameters_of<Kind, T> const& parameters_gradient, update mode) {
  constexpr char const* operation = "mhc::coefficients_vjp, pre_vjp, contract_vjp";
  detail::require_device_memory(operation, "x", x.data, "parameters.phi", parameters.phi, "parameters.alpha",
                                parameters.alpha, "parameters.bias", parameters.bias, "u_gradient", in.u.data,
                                "h_pre_gradient", in.h_pre.data, "h_post_gradient", in.h_post.data, "h_res_gradient",
                                in.h_res.data, "x_gradient", x_gradient.data, "parameters_gradient.phi",
                                parameters_gradient.phi, "parameters_gradient.alpha", parameters_gradient.alpha,
                                "parameters_gradient.bias", parameters_gradient.bias);
  if (x.size == 0) return;
  auto const memory = detail::workspace_of<Kind, T>(where, operation, kind, x.size);
  auto gradients = in;
  if (in.u.data != nullptr) {  // ∂H_pre,i = ∂u·x_i
    vector_view<T, N> const h_pre_gradient{memory.h_pre_gradient(), x.size};
    launch_aggregate_vjp<T, N>(where, operation, {}, x, in.u, h_pre_gradient, {}, update::overwrite);
    gradients.h_pre = h_pre_gradient;
  }
  bool const packed = detail::can_pack<T>(x.channels, x.data, parameters.phi, in.u.data, x_gradient.data);
  gates_backward<Kind, T, N> const pass{kind, parameters, x, gradients, x_gradient, parameters_gradient, mode, memory};
  if (packed)
    pass.template run<detail::pack_width<T>>(where, operation);
  else
    pass.template run<1>(where, operation);
}

}  // namespace mhc::cuda
