// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/ops/aggregate/cuda.cuh>
#include <mhc/ops/device.cuh>
#include <mhc/ops/gates/converted.cuh>
#include <mhc/ops/gates/gradients.cuh>
#include <mhc/ops/gates/launch_scan.cuh>
#include <mhc/ops/gates/one_launch.cuh>
#include <mhc/ops/gates/scan.cuh>
#include <mhc/ops/gates/scores.cuh>
#include <mhc/ops/gates/types.hpp>
#include <mhc/ops/gates/workspace.cuh>
#include <mhc/ops/parameters.hpp>

namespace mhc::cuda {

template <class Kind, class T, int N>
__global__ void __launch_bounds__(detail::score_block_shape<Kind, T>::threads, 1)
    gates_kernel(Kind kind, parameters_of<Kind, T const> parameters, detail::scan_sums<T> scanned,
                 detail::gate_outputs<T, N> out) {
  detail::for_each_token_scores<Kind>(
      kind, scanned, {}, false, [&](std::ptrdiff_t b, detail::device_token_scores<Kind, T> const& s) {
        if (out.scores.data != nullptr) s.keep(out.scores.token(b));
        auto const h = kind.gate(s.score, parameters.alpha, parameters.bias);
        MHC_UNROLL for (int i = 0; i < N; ++i) out.h_pre.data[b * N + i] = h[i];
        if constexpr (Kind::outputs > N) {
          MHC_UNROLL for (int i = 0; i < N; ++i) out.h_post.data[b * N + i] = h[N + i];
          MHC_UNROLL for (int k = 0; k < N * N; ++k) out.h_res.data[b * N * N + k] = h[2 * N + k];
        }
      });
}

/// Coefficients in one scan of x; then u, where it is wanted, in another.
template <class Kind, class T, class S, int N>
void gates_by_scan(policy const& where, char const* operation, Kind const& kind,
                   parameters_of<Kind, T const> const& parameters, stream_view<S const, N> x,
                   detail::gate_outputs<S, N> const& out) {
  using shape = detail::score_block_shape<Kind, T>;
  constexpr int K = Kind::scores_per_row, P = N / Kind::rows, W = detail::pack_width<S>;
  detail::gates_workspace<Kind, T> memory(kind, x.size, nullptr);
  memory.base = static_cast<T*>(detail::workspace_of(where, operation, memory.forward_bytes()));
  bool const dynamic = is_dynamic(kind);
  if constexpr (K > 0) {
    detail::scan_task<S> const task{x.data,     parameters.phi, nullptr,       memory.rows,
                                    x.channels, Kind::rows,     memory.chunks, memory.scanned()};
    bool const packed = detail::can_pack<S>(x.channels, x.data) && detail::can_pack<T>(x.channels, parameters.phi);
    if (dynamic)
      packed ? detail::launch_scan<W, S, K, P, false, takes_tf32<Kind>>(where, operation, task)
             : detail::launch_scan<1, S, K, P, false, takes_tf32<Kind>>(where, operation, task);
  }
  detail::launch(
      where, operation, gates_kernel<Kind, T, N>, {detail::block_count(x.size, shape::tokens), shape::threads}, kind,
      parameters, memory.sums(dynamic),
      detail::gate_outputs<T, N>{out.h_pre, out.h_post, out.h_res, {}, dynamic ? out.scores : token_view<T>{}});
  if (out.u.data != nullptr) aggregate_impl(where, vector_view<T const, N>(out.h_pre), x, out.u);
}

/// Few tokens in one launch, many by the scan.
template <class Kind, class T, class S, int N>
void gates_impl(policy const& where, Kind const& kind, parameters_of<Kind, T const> const& parameters,
                stream_view<S const, N> x, detail::gate_outputs<S, N> const& out) {
  constexpr char const* operation = "mhc::coefficients, pre, contract";
  detail::require_device_memory(operation, "x", x.data, "parameters.phi", parameters.phi, "parameters.alpha",
                                parameters.alpha, "parameters.bias", parameters.bias, "h_pre", out.h_pre.data, "h_post",
                                out.h_post.data, "h_res", out.h_res.data, "u", out.u.data, "scores", out.scores.data);
  if (x.size == 0) return;
  if constexpr (has_phi_element<Kind>) {
    converted_phi<Kind> const in_float(
        where, operation, kind, detail::gates_workspace<Kind, T>(kind, x.size, nullptr).forward_bytes(), parameters);
    return gates_impl(in_float.where, in_float.kind, in_float.parameters, x, out);
  } else if constexpr (detail::fits_together<Kind, S>) {
    if (is_dynamic(kind) && x.size <= detail::most_tokens_together<S>) {
      detail::gates_workspace<Kind, T> const memory(kind, x.size, nullptr);
      detail::workspace_of(where, operation, memory.forward_bytes());  // not needed, and refused all the same
      if (detail::launch_together<false>(where, operation,
                                         detail::mix_pre_arguments<Kind, S>{{}, {}, x, {}, kind, parameters, {}, out}))
        return;
    }
  }
  if constexpr (!has_phi_element<Kind>) gates_by_scan(where, operation, kind, parameters, x, out);
}

/// One scan of x for the scores, unless they have been kept, and for ∂u·x; one for the gradients of x and φ.
template <class Kind, class T, class S, int N>
void gates_vjp_impl(policy const& where, Kind const& kind, parameters_of<Kind, T const> const& parameters,
                    stream_view<S const, N> x, detail::gate_output_gradients<S, N> const& in,
                    stream_view<S, N> x_gradient, parameters_of<Kind, T> const& parameters_gradient, update mode) {
  constexpr char const* operation = "mhc::coefficients_vjp, pre_vjp, contract_vjp";
  detail::require_device_memory(operation, "x", x.data, "parameters.phi", parameters.phi, "parameters.alpha",
                                parameters.alpha, "parameters.bias", parameters.bias, "u_gradient", in.u.data,
                                "h_pre_gradient", in.h_pre.data, "h_post_gradient", in.h_post.data, "h_res_gradient",
                                in.h_res.data, "scores", in.scores.data, "x_gradient", x_gradient.data,
                                "parameters_gradient.phi", parameters_gradient.phi, "parameters_gradient.alpha",
                                parameters_gradient.alpha, "parameters_gradient.bias", parameters_gradient.bias);
  if (x.size == 0) return;
  detail::gates_workspace<Kind, T> memory(kind, x.size, nullptr);
  if constexpr (has_phi_element<Kind>) {
    converted_phi<Kind> const in_float(where, operation, kind, memory.bytes(), parameters);
    auto const& [phi, alpha, bias] = parameters_gradient;
    gates_vjp_impl(in_float.where, in_float.kind, in_float.parameters, x, in, x_gradient,
                   parameters_of<typename Kind::kind, T>{phi, alpha, bias}, mode);
  } else {
    memory.base = static_cast<T*>(detail::workspace_of(where, operation, memory.bytes()));
    gates_backward<Kind, S, N>{kind, parameters, x, in, x_gradient, parameters_gradient, mode, memory}.run(where,
                                                                                                           operation);
  }
}

}  // namespace mhc::cuda
