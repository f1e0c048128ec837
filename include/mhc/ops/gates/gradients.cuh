// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/ops/aggregate/cuda.cuh>
#include <mhc/ops/device.cuh>
#include <mhc/ops/gates/launch_scan.cuh>
#include <mhc/ops/gates/scan.cuh>
#include <mhc/ops/gates/scores.cuh>
#include <mhc/ops/gates/spread.cuh>
#include <mhc/ops/gates/types.hpp>
#include <mhc/ops/gates/workspace.cuh>
#include <mhc/ops/packs.cuh>
#include <mhc/ops/parameters.hpp>

/// @file
/// The backward kernels of gates. The first turns the gradients of a token's coefficients into weights: for row r and
/// score k, w = r ∂ŝ in the gradient of x and of φ, and (r²/M) ŝ·∂ŝ for the norm. The next spreads them; the last are
/// sums over all tokens.

namespace mhc::cuda {

/// Device addresses in the workspace.
template <class T>
struct gate_weights {
  T *weight, *h_pre, *columns;
};

template <class Kind, class T, int N>
__global__ void __launch_bounds__(detail::score_block_shape<Kind, T>::threads, 1)
    gate_weights_kernel(Kind kind, parameters_of<Kind, T const> parameters, detail::scan_sums<T> scanned,
                        detail::gate_output_gradients<T, N> in, bool with_u, gate_weights<T> out) {
  constexpr int K = Kind::scores_per_row, S = scores_of<Kind>;
  constexpr int P = N / Kind::rows;
  using weights = detail::weight_row<T, K, P>;
  bool const from_u = scanned.at != nullptr && with_u, dynamic = scanned.at != nullptr || in.scores.data != nullptr;
  detail::for_each_token_scores<Kind>(
      kind, scanned, in.scores, from_u, [&](std::ptrdiff_t b, detail::device_token_scores<Kind, T> const& s) {
        math::vec<T, Kind::outputs> g;
        MHC_UNROLL for (int i = 0; i < N; ++i) g[i] = from_u ? s.dots[i] : in.h_pre.data[b * N + i];
        if constexpr (Kind::outputs > N) {
          MHC_UNROLL for (int i = 0; i < N; ++i) g[N + i] = in.h_post.data[b * N + i];
          MHC_UNROLL for (int k = 0; k < N * N; ++k) g[2 * N + k] = in.h_res.data[b * N * N + k];
        }
        auto const d = kind.gate_vjp(s.score, parameters.alpha, parameters.bias, g);
        MHC_UNROLL for (int k = 0; k < S; ++k) out.columns[k * scanned.tokens + b] = d.bias[k];
        if (!dynamic) {
          MHC_UNROLL for (int i = 0; i < N; ++i) out.h_pre[b * N + i] = d.h_pre[i];
          return;
        }
        MHC_UNROLL for (int k = 0; k < Kind::alphas; ++k) out.columns[(S + k) * scanned.tokens + b] = d.alpha[k];
        MHC_UNROLL for (int r = 0; r < Kind::rows; ++r) {
          T* const row = out.weight + (b * Kind::rows + r) * weights::pitch;
          T norm(0);
          MHC_UNROLL for (int k = 0; k < weights::tiling::padded; ++k) {
            T const d_score = k < K ? d.scores[r * K + (k < K ? k : 0)] : T(0);
            if (k < K) norm += s.score[r * K + (k < K ? k : 0)] * d_score;
            detail::store_pack(detail::in_pieces(s.inverse_rms[r] * d_score), row + k * detail::pieces<T>);
          }
          row[weights::norm] = norm * s.inverse_rms[r] * s.inverse_rms[r] / static_cast<T>(scanned.length);
          MHC_UNROLL for (int i = 0; weights::h_pre + i < weights::pitch; ++i)  // what pads the row is copied with it
              row[weights::h_pre + i] = i < P ? d.h_pre[r * P + (i < P ? i : 0)] : T(0);
        }
      });
}

/// ∂x = H_preᵀ ∂u, all there is where no coefficient depends on x.
template <class S, int N>
struct direct_gradient {
  using T = coefficient_t<S>;

  T const* h_pre;
  token_view<S const> u_gradient;
  stream_view<S, N> x_gradient;
  update mode;

  template <int W>
  __device__ void run(std::ptrdiff_t b, std::ptrdiff_t c) const {
    auto g = detail::columns<T, N, W>{};
    if (mode == update::accumulate) g = detail::load_columns<T, N, W>(x_gradient.stream(b, 0) + c, x_gradient.channels);
    if (u_gradient.data != nullptr) {
      auto const h = detail::load_row<math::vec<T, N>>(h_pre, b);
      auto const direct = detail::load_pack<T, W>(u_gradient.token(b) + c);
      MHC_UNROLL for (int w = 0; w < W; ++w) math::add_scaled(direct.at[w], h, g.at[w]);
    }
    detail::store_columns(g, x_gradient.stream(b, 0) + c, x_gradient.channels);
  }
};

/// phi_gradient += the splits, in their order.
template <class T>
__global__ void __launch_bounds__(256)
    phi_sum_kernel(T const* partial, std::ptrdiff_t size, std::ptrdiff_t splits, T* phi_gradient) {
  std::ptrdiff_t const turn = static_cast<std::ptrdiff_t>(gridDim.x) * blockDim.x;
  for (std::ptrdiff_t e = static_cast<std::ptrdiff_t>(blockIdx.x) * blockDim.x + threadIdx.x; e < size; e += turn) {
    T sum = partial[e];
    for (std::ptrdiff_t s = 1; s < splits; ++s) sum += partial[s * size + e];
    phi_gradient[e] += sum;
  }
}

/// bias and alpha += Σ over the tokens: a block per number.
template <int Threads, class T>
__global__ void __launch_bounds__(Threads) column_sum_kernel(T const* columns, std::ptrdiff_t tokens, int biases,
                                                             int sums, T* bias_gradient, T* alpha_gradient) {
  for (int column = static_cast<int>(blockIdx.x); column < sums; column += static_cast<int>(gridDim.x)) {
    T sum[1] = {};
    for (std::ptrdiff_t b = threadIdx.x; b < tokens; b += Threads) sum[0] += columns[column * tokens + b];
    T* const to = column < biases ? bias_gradient + column : alpha_gradient + (column - biases);
    detail::sum_over_block<Threads>(sum, [&](int, T total) { *to += total; });
  }
}

/// The kernels in their order.
template <class Kind, class S, int N>
struct gates_backward {
  using T = coefficient_t<S>;
  static constexpr int K = Kind::scores_per_row, P = N / Kind::rows;

  Kind kind;
  parameters_of<Kind, T const> parameters;
  stream_view<S const, N> x;
  detail::gate_output_gradients<S, N> in;
  stream_view<S, N> x_gradient;
  parameters_of<Kind, T> parameters_gradient;
  update mode;
  detail::gates_workspace<Kind, T> memory;

  void run(policy const& where, char const* operation) const {
    bool const dynamic = is_dynamic(kind), scans = dynamic && in.scores.data == nullptr;
    bool const packed = detail::can_pack<S>(x.channels, x.data, in.u.data, x_gradient.data) &&
                        detail::can_pack<T>(x.channels, parameters.phi);
    if constexpr (K > 0)
      if (scans) packed ? scan<detail::pack_width<S>>(where, operation) : scan<1>(where, operation);
    if (!scans && in.u.data != nullptr)  // ∂H_pre,i = ∂u·x_i
      launch_aggregate_vjp<T, S, N>(where, operation, {}, x, in.u, {memory.h_pre_gradient(), x.size}, {},
                                    update::overwrite);
    weigh(where, operation, dynamic, scans);
    sum_columns(where, operation, dynamic);
    if constexpr (K > 0)
      if (dynamic) packed ? spread<detail::pack_width<S>>(where, operation) : spread<1>(where, operation);
    if (!dynamic)
      detail::for_channels<S>(where, operation, x.size, x.channels, packed,
                              direct_gradient<S, N>{memory.h_pre(), in.u, x_gradient, mode});
  }

 private:
  template <int W>
  void scan(policy const& where, char const* operation) const {
    detail::scan_task<S> const task{x.data,     parameters.phi, in.u.data,     memory.rows,
                                    x.channels, Kind::rows,     memory.chunks, memory.scanned()};
    if (in.u.data != nullptr)
      detail::launch_scan<W, S, K, P, true, takes_tf32<Kind>>(where, operation, task);
    else
      detail::launch_scan<W, S, K, P, false, takes_tf32<Kind>>(where, operation, task);
  }

  void weigh(policy const& where, char const* operation, bool dynamic, bool scans) const {
    using shape = detail::score_block_shape<Kind, T>;
    detail::gate_output_gradients<T, N> gradients{{}, in.h_pre, in.h_post, in.h_res};
    if (dynamic) gradients.scores = in.scores;
    if (!scans && in.u.data != nullptr) gradients.h_pre = {memory.h_pre_gradient(), x.size};
    detail::launch(where, operation, gate_weights_kernel<Kind, T, N>,
                   {detail::block_count(x.size, shape::tokens), shape::threads}, kind, parameters, memory.sums(scans),
                   gradients, in.u.data != nullptr, gate_weights<T>{memory.weight(), memory.h_pre(), memory.columns()});
  }

  void sum_columns(policy const& where, char const* operation, bool dynamic) const {
    int const biases = scores_of<Kind>, sums = biases + (dynamic ? Kind::alphas : 0);
    if (sums > 0)
      detail::launch(where, operation, column_sum_kernel<256, T>, {static_cast<unsigned>(sums), 256}, memory.columns(),
                     x.size, biases, sums, parameters_gradient.bias, parameters_gradient.alpha);
  }

  template <int W>
  void spread(policy const& where, char const* operation) const {
    detail::spread_task<S> const task{x.data,      parameters.phi,  memory.weight(), in.u.data,
                                      memory.rows, x.channels,      Kind::rows,      memory.splits,
                                      0,           x_gradient.data, memory.partial()};
    detail::launch_spread<W, S, K, P>(where, operation, task, mode == update::accumulate);
    detail::launch(where, operation, phi_sum_kernel<T>, {detail::block_count(memory.phi, 256), 256}, memory.partial(),
                   memory.phi, memory.splits.count, parameters_gradient.phi);
  }
};

}  // namespace mhc::cuda
