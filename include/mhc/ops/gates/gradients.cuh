// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/gates/products.cuh>
#include <mhc/ops/gates/types.hpp>
#include <mhc/ops/gates/workspace.cuh>
#include <mhc/ops/packs.cuh>
#include <mhc/ops/parameters.hpp>

/// @file
/// The backward kernels of gates. The first turns the gradients of a token's coefficients into weights: for row r and
/// score k, w = r ∂ŝ in the gradient of x and of φ, and (r²/M) ŝ·∂ŝ for the norm. The others are sums with these weights.

namespace mhc::cuda {

/// Device addresses in the workspace.
template <class T>
struct gate_weights {
  T *weight, *norm, *h_pre, *columns;
};

template <int W, class Kind, class T, int N>
__global__ void __launch_bounds__(detail::product_shape<Kind, T>::threads)
    gate_weights_kernel(Kind kind, parameters_of<Kind, T const> parameters, stream_view<T const, N> x,
                        std::ptrdiff_t length, bool dynamic, detail::gate_output_gradients<T, N> in,
                        gate_weights<T> out) {
  constexpr int K = Kind::scores_per_row, S = scores_of<Kind>;
  detail::for_each_token_scores<W>(
      kind, parameters.phi, x.data, x.size, length, dynamic,
      [&](std::ptrdiff_t b, detail::device_token_scores<Kind, T> const& s) {
        math::vec<T, Kind::outputs> g;
        MHC_UNROLL for (int i = 0; i < N; ++i) g[i] = in.h_pre.data[b * N + i];
        if constexpr (Kind::outputs > N) {
          MHC_UNROLL for (int i = 0; i < N; ++i) g[N + i] = in.h_post.data[b * N + i];
          MHC_UNROLL for (int k = 0; k < N * N; ++k) g[2 * N + k] = in.h_res.data[b * N * N + k];
        }
        auto const d = kind.gate_vjp(s.score, parameters.alpha, parameters.bias, g);
        MHC_UNROLL for (int i = 0; i < N; ++i) out.h_pre[b * N + i] = d.h_pre[i];
        MHC_UNROLL for (int k = 0; k < S; ++k) out.columns[k * x.size + b] = d.bias[k];
        if (!dynamic) return;
        MHC_UNROLL for (int k = 0; k < Kind::alphas; ++k) out.columns[(S + k) * x.size + b] = d.alpha[k];
        MHC_UNROLL for (int r = 0; r < Kind::rows; ++r) {
          T norm(0);
          MHC_UNROLL for (int k = 0; k < K; ++k) {
            norm += s.score[r * K + k] * d.scores[r * K + k];
            out.weight[b * S + r * K + k] = s.inverse_rms[r] * d.scores[r * K + k];
          }
          out.norm[b * Kind::rows + r] = norm * s.inverse_rms[r] * s.inverse_rms[r] / static_cast<T>(length);
        }
      });
}

/// Rows that share a fetch of φ in the gradient of x.
template <class T>
inline constexpr int gradient_rows = sizeof(T) == 4 ? 8 : 4;
inline constexpr int gradient_threads = 128;

/// ∂x = H_preᵀ ∂u + φᵀ w − norm · x: a pack of columns per thread, for a few rows at a time.
template <int W, class Kind, class T, int N>
__global__ void __launch_bounds__(gradient_threads)
    x_gradient_kernel(T const* phi, stream_view<T const, N> x, std::ptrdiff_t length, bool dynamic,
                      token_view<T const> u_gradient, gate_weights<T> in, stream_view<T, N> x_gradient, update mode) {
  constexpr int K = Kind::scores_per_row, R = gradient_rows<T>, Q = 32;
  __shared__ T weight[R][Q];
  std::ptrdiff_t const rows = x.size * Kind::rows, groups = (rows + R - 1) / R;
  std::ptrdiff_t const pieces = (length + gradient_threads * W - 1) / (gradient_threads * W);
  for (std::ptrdiff_t piece = blockIdx.x; piece < groups * pieces; piece += gridDim.x) {
    std::ptrdiff_t const first = piece / pieces * R;
    std::ptrdiff_t const e = (piece % pieces * gradient_threads + threadIdx.x) * W;
    int const count = rows - first < R ? static_cast<int>(rows - first) : R;
    detail::pack<T, W> sum[R] = {};
    for (int k0 = 0; dynamic && k0 < K; k0 += Q) {
      int const some = K - k0 < Q ? K - k0 : Q;
      __syncthreads();
      for (int k = static_cast<int>(threadIdx.x); k < R * Q; k += gradient_threads)
        weight[k / Q][k % Q] = k / Q < count && k % Q < some ? in.weight[(first + k / Q) * K + k0 + k % Q] : T(0);
      __syncthreads();
      if (e >= length) continue;
      _Pragma("unroll 4") for (int k = 0; k < some; ++k) {
        auto const p = detail::load_pack<T, W>(phi + (k0 + k) * length + e);
        MHC_UNROLL for (int r = 0; r < R; ++r) MHC_UNROLL for (int w = 0; w < W; ++w) sum[r].at[w] +=
            weight[r][k] * p.at[w];
      }
    }
    if (e >= length) continue;
    MHC_UNROLL for (int r = 0; r < R; ++r) {
      if (r >= count) continue;
      std::ptrdiff_t const row = first + r, b = row / Kind::rows;
      int const i = static_cast<int>(Kind::rows == 1 ? e / x.channels : row % Kind::rows);
      std::ptrdiff_t const c = Kind::rows == 1 ? e % x.channels : e;
      T const norm = dynamic ? in.norm[row] : T(0);
      T const h = u_gradient.data != nullptr ? in.h_pre[b * N + i] : T(0);
      auto direct = detail::pack<T, W>{};
      if (u_gradient.data != nullptr) direct = detail::load_pack<T, W>(u_gradient.token(b) + c);
      auto const value = detail::load_pack<T, W>(x.data + row * length + e);
      T* const to = x_gradient.data + row * length + e;
      auto g = detail::pack<T, W>{};
      if (mode == update::accumulate) g = detail::load_pack<T, W>(to);
      MHC_UNROLL for (int w = 0; w < W; ++w) {
        T total = g.at[w] + h * direct.at[w] + sum[r].at[w];
        if (dynamic) total -= norm * value.at[w];  // a static connection does not see x
        g.at[w] = total;
      }
      detail::store_pack(g, to);
    }
  }
}

/// Σ over a split of the rows of w_k x, for a pack of columns and a few scores per thread.
template <int W, class Kind, class T, int N>
__global__ void __launch_bounds__(gradient_threads)
    phi_partial_kernel(stream_view<T const, N> x, std::ptrdiff_t length, gate_weights<T> in, std::ptrdiff_t splits,
                       T* partial) {
  constexpr int K = Kind::scores_per_row, Q = sizeof(T) == 4 ? 24 : 12, rows_at_a_time = 32;
  __shared__ T weight[rows_at_a_time][Q];
  constexpr int parts = (K + Q - 1) / Q;
  std::ptrdiff_t const rows = x.size * Kind::rows, per_split = (rows + splits - 1) / splits;
  std::ptrdiff_t const pieces = (length + gradient_threads * W - 1) / (gradient_threads * W);
  for (std::ptrdiff_t work = blockIdx.x; work < pieces * parts * splits; work += gridDim.x) {
    std::ptrdiff_t const e = (work % pieces * gradient_threads + threadIdx.x) * W;
    int const k0 = static_cast<int>(work / pieces % parts) * Q;
    std::ptrdiff_t const split = work / pieces / parts, begin = split * per_split;
    std::ptrdiff_t const end = begin + per_split < rows ? begin + per_split : rows;
    detail::pack<T, W> sum[Q] = {};
    for (std::ptrdiff_t first = begin; first < end; first += rows_at_a_time) {
      int const count = end - first < rows_at_a_time ? static_cast<int>(end - first) : rows_at_a_time;
      __syncthreads();
      for (int k = static_cast<int>(threadIdx.x); k < count * Q; k += gradient_threads)
        weight[k / Q][k % Q] = k0 + k % Q < K ? in.weight[(first + k / Q) * K + k0 + k % Q] : T(0);
      __syncthreads();
      if (e >= length) continue;
      _Pragma("unroll 4") for (int r = 0; r < count; ++r) {
        auto const value = detail::load_pack<T, W>(x.data + (first + r) * length + e);
        MHC_UNROLL for (int k = 0; k < Q; ++k) MHC_UNROLL for (int w = 0; w < W; ++w) sum[k].at[w] +=
            weight[r][k] * value.at[w];
      }
    }
    if (e >= length) continue;
    MHC_UNROLL for (int k = 0; k < Q; ++k) if (k0 + k < K)
        detail::store_pack(sum[k], partial + (split * K + k0 + k) * length + e);
  }
}

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
template <class Kind, class T, int N>
struct gates_backward {
  Kind kind;
  parameters_of<Kind, T const> parameters;
  stream_view<T const, N> x;
  detail::gate_output_gradients<T, N> in;
  stream_view<T, N> x_gradient;
  parameters_of<Kind, T> parameters_gradient;
  update mode;
  detail::gates_workspace<Kind, T> memory;

  template <int W>
  void run(policy const& where, char const* operation) const {
    constexpr int K = Kind::scores_per_row;
    using shape = detail::product_shape<Kind, T>;
    bool const dynamic = is_dynamic(kind);
    std::ptrdiff_t const length = row_length(kind), rows = x.size * Kind::rows;
    gate_weights<T> const weights{memory.weight(), memory.norm(), memory.h_pre(), memory.columns()};
    detail::launch(where, operation, gate_weights_kernel<W, Kind, T, N>, detail::block_count(x.size, shape::tokens),
                   shape::threads, kind, parameters, x, length, dynamic, in, weights);

    constexpr std::ptrdiff_t columns = gradient_threads * W, R = gradient_rows<T>;
    std::ptrdiff_t const pieces = (length + columns - 1) / columns;
    detail::launch(where, operation, x_gradient_kernel<W, Kind, T, N>,
                   detail::block_count((rows + R - 1) / R * pieces, 1), gradient_threads, parameters.phi, x, length,
                   dynamic, in.u, weights, x_gradient, mode);

    int const biases = scores_of<Kind>, sums = biases + (dynamic ? Kind::alphas : 0);
    if (sums > 0)
      detail::launch(where, operation, column_sum_kernel<256, T>, static_cast<unsigned>(sums), 256, memory.columns(),
                     x.size, biases, sums, parameters_gradient.bias, parameters_gradient.alpha);
    if constexpr (K > 0) {
      if (dynamic) add_phi_gradient<W>(where, operation, pieces, weights);
    }
  }

 private:
  template <int W>
  void add_phi_gradient(policy const& where, char const* operation, std::ptrdiff_t pieces,
                        gate_weights<T> const& weights) const {
    constexpr int Q = sizeof(T) == 4 ? 24 : 12, parts = (Kind::scores_per_row + Q - 1) / Q;
    std::ptrdiff_t const splits = memory.splits(), size = phi_size(kind);
    detail::launch(where, operation, phi_partial_kernel<W, Kind, T, N>, detail::block_count(pieces * parts * splits, 1),
                   gradient_threads, x, row_length(kind), weights, splits, memory.partial());
    detail::launch(where, operation, phi_sum_kernel<T>, detail::block_count(size, 256), 256, memory.partial(), size,
                   splits, parameters_gradient.phi);
  }
};

}  // namespace mhc::cuda
