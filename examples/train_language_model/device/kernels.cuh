// SPDX-License-Identifier: MIT
#pragma once

// Kernels in blocks of 256 threads. An element per thread, or a row per warp: its lanes take every 32nd element, and sums
// over a row are butterflies, in the same order for every lane.

#include "../training/adamw_step.hpp"

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

namespace demo::on_device {
namespace {

__device__ std::ptrdiff_t element_of_thread() { return static_cast<std::ptrdiff_t>(blockIdx.x) * 256 + threadIdx.x; }
__device__ std::ptrdiff_t row_of_warp() { return static_cast<std::ptrdiff_t>(blockIdx.x) * 8 + threadIdx.x / 32; }
__device__ std::ptrdiff_t lane() { return threadIdx.x % 32; }

__device__ float sum_of_warp(float value) {
  for (int distance = 16; distance > 0; distance /= 2) value += __shfl_xor_sync(0xffffffffU, value, distance);
  return value;
}
__device__ float largest_of_warp(float value) {
  for (int distance = 16; distance > 0; distance /= 2) {
    float const other = __shfl_xor_sync(0xffffffffU, value, distance);
    value = other > value ? other : value;
  }
  return value;
}

// Embedding -----------------------------------------------------------------------------------------------------------

__global__ void embed_kernel(float const* embedding, float const* positions, std::uint8_t const* bytes,
                             std::ptrdiff_t length, std::ptrdiff_t channels, std::ptrdiff_t count, float* x) {
  std::ptrdiff_t const k = element_of_thread();
  if (k >= count) return;
  std::ptrdiff_t const token = k / channels, c = k % channels;
  x[k] = embedding[bytes[token] * channels + c] + positions[token % length * channels + c];
}

/// A block per byte looks through all tokens, always in their order.
__global__ void byte_gradient_kernel(float const* x_gradient, std::uint8_t const* bytes, std::ptrdiff_t tokens,
                                     std::ptrdiff_t channels, float* gradient) {
  for (std::ptrdiff_t c = threadIdx.x; c < channels; c += 256) {
    float sum = 0;
    for (std::ptrdiff_t t = 0; t < tokens; ++t)
      if (bytes[t] == blockIdx.x) sum += x_gradient[t * channels + c];
    gradient[blockIdx.x * channels + c] += sum;
  }
}

__global__ void position_gradient_kernel(float const* x_gradient, std::ptrdiff_t sequences, std::ptrdiff_t per_sequence,
                                         float* gradient) {
  std::ptrdiff_t const k = element_of_thread();
  if (k >= per_sequence) return;
  float sum = 0;
  for (std::ptrdiff_t s = 0; s < sequences; ++s) sum += x_gradient[s * per_sequence + k];
  gradient[k] += sum;
}

// RMSNorm -------------------------------------------------------------------------------------------------------------

__device__ float inverse_rms(float const* row, std::ptrdiff_t channels) {
  float squares = 0;
  for (std::ptrdiff_t c = lane(); c < channels; c += 32) squares += row[c] * row[c];
  return 1 / sqrtf(sum_of_warp(squares) / static_cast<float>(channels) + 1e-6f);
}

__global__ void norm_kernel(float const* gain, float const* u, std::ptrdiff_t rows, std::ptrdiff_t channels,
                            float* normed) {
  std::ptrdiff_t const row = row_of_warp();
  if (row >= rows) return;
  float const* const from = u + row * channels;
  float const inverse = inverse_rms(from, channels);
  for (std::ptrdiff_t c = lane(); c < channels; c += 32) normed[row * channels + c] = from[c] * inverse * gain[c];
}

/// With û = u/rms(u) and d = gain ∘ ∂normed: ∂u = (d − û·mean(d ∘ û)) / rms(u).
__global__ void norm_vjp_kernel(float const* gain, float const* u, float const* normed_gradient, std::ptrdiff_t rows,
                                std::ptrdiff_t channels, float* u_gradient, float* inverse_of_row) {
  std::ptrdiff_t const row = row_of_warp();
  if (row >= rows) return;
  float const *const from = u + row * channels, *const gradient = normed_gradient + row * channels;
  float const inverse = inverse_rms(from, channels);
  float dot = 0;
  for (std::ptrdiff_t c = lane(); c < channels; c += 32) dot += gain[c] * gradient[c] * from[c] * inverse;
  float const mean = sum_of_warp(dot) / static_cast<float>(channels);
  for (std::ptrdiff_t c = lane(); c < channels; c += 32)
    u_gradient[row * channels + c] = inverse * (gain[c] * gradient[c] - mean * from[c] * inverse);
  if (lane() == 0) inverse_of_row[row] = inverse;
}

constexpr std::ptrdiff_t gain_columns = 32;  // of a block, each summed by 8 threads

/// ∂gain += Σ ∂normed ∘ û.
__global__ void gain_gradient_kernel(float const* u, float const* normed_gradient, float const* inverse_of_row,
                                     std::ptrdiff_t rows, std::ptrdiff_t channels, float* gain_gradient) {
  __shared__ float part[8][gain_columns];
  std::ptrdiff_t const c = blockIdx.x * gain_columns + lane(), first = threadIdx.x / 32;
  float sum = 0;
  if (c < channels)
    for (std::ptrdiff_t row = first; row < rows; row += 8)
      sum += normed_gradient[row * channels + c] * u[row * channels + c] * inverse_of_row[row];
  part[first][lane()] = sum;
  __syncthreads();
  if (first != 0 || c >= channels) return;
  for (int k = 1; k < 8; ++k) sum += part[k][lane()];
  gain_gradient[c] += sum;
}

// Attention -----------------------------------------------------------------------------------------------------------

__global__ void softmax_kernel(float* scores, std::ptrdiff_t rows, std::ptrdiff_t length, float scale) {
  std::ptrdiff_t const row = row_of_warp();
  if (row >= rows) return;
  float* const values = scores + row * length;
  std::ptrdiff_t const seen = row % length + 1;
  float largest = values[0];
  for (std::ptrdiff_t j = lane(); j < seen; j += 32) largest = values[j] > largest ? values[j] : largest;
  largest = largest_of_warp(largest);
  float total = 0;
  for (std::ptrdiff_t j = lane(); j < seen; j += 32) {
    values[j] = expf((values[j] - largest) * scale);
    total += values[j];
  }
  total = sum_of_warp(total);
  for (std::ptrdiff_t j = lane(); j < length; j += 32) values[j] = j < seen ? values[j] / total : 0;
}

__global__ void softmax_vjp_kernel(float const* plan, std::ptrdiff_t rows, std::ptrdiff_t length, float scale,
                                   float* gradient) {
  std::ptrdiff_t const row = row_of_warp();
  if (row >= rows) return;
  float const* const p = plan + row * length;
  float* const g = gradient + row * length;
  float dot = 0;
  for (std::ptrdiff_t j = lane(); j < length; j += 32) dot += g[j] * p[j];
  dot = sum_of_warp(dot);
  for (std::ptrdiff_t j = lane(); j < length; j += 32) g[j] = scale * p[j] * (g[j] - dot);
}

// MLP -----------------------------------------------------------------------------------------------------------------

constexpr float gelu_slope = 0.79788456080286535588f, gelu_cubic = 0.044715f;  // √(2/π)

__device__ float gelu_gate(float a) { return tanhf(gelu_slope * a * (1 + gelu_cubic * a * a)); }

__global__ void gelu_kernel(float const* a, std::ptrdiff_t count, float* h) {
  std::ptrdiff_t const k = element_of_thread();
  if (k < count) h[k] = 0.5f * a[k] * (1 + gelu_gate(a[k]));
}

__global__ void gelu_vjp_kernel(float const* a, std::ptrdiff_t count, float* gradient) {
  std::ptrdiff_t const k = element_of_thread();
  if (k >= count) return;
  float const x = a[k], t = gelu_gate(x);
  gradient[k] *= 0.5f * (1 + t + x * (1 - t * t) * gelu_slope * (1 + 3 * gelu_cubic * x * x));
}

// Loss ----------------------------------------------------------------------------------------------------------------

struct softmax_of_row {
  float largest, total;
};

__device__ softmax_of_row softmax_of(float const* row, std::ptrdiff_t length) {
  softmax_of_row s{row[0], 0};
  for (std::ptrdiff_t j = lane(); j < length; j += 32) s.largest = row[j] > s.largest ? row[j] : s.largest;
  s.largest = largest_of_warp(s.largest);
  for (std::ptrdiff_t j = lane(); j < length; j += 32) s.total += expf(row[j] - s.largest);
  s.total = sum_of_warp(s.total);
  return s;
}

__global__ void cross_entropy_kernel(float const* logits, std::ptrdiff_t rows, std::ptrdiff_t vocabulary,
                                     std::uint8_t const* targets, float* losses) {
  std::ptrdiff_t const row = row_of_warp();
  if (row >= rows) return;
  float const* const values = logits + row * vocabulary;
  auto const s = softmax_of(values, vocabulary);
  if (lane() == 0) losses[row] = logf(s.total) - (values[targets[row]] - s.largest);
}

__global__ void cross_entropy_gradient_kernel(std::ptrdiff_t rows, std::ptrdiff_t vocabulary,
                                              std::uint8_t const* targets, float scale, float* logits) {
  std::ptrdiff_t const row = row_of_warp();
  if (row >= rows) return;
  float* const values = logits + row * vocabulary;
  auto const s = softmax_of(values, vocabulary);
  for (std::ptrdiff_t j = lane(); j < vocabulary; j += 32)
    values[j] = scale * (expf(values[j] - s.largest) / s.total - (j == targets[row] ? 1.0f : 0.0f));
}

// Optimiser -----------------------------------------------------------------------------------------------------------

__global__ void adamw_kernel(adamw_step<float> s, float const* gradient, float const* decay, std::ptrdiff_t count,
                             float* first, float* second, float* parameters) {
  std::ptrdiff_t const k = element_of_thread();
  if (k >= count) return;
  constexpr float beta1 = adamw_step<float>::beta1, beta2 = adamw_step<float>::beta2;
  float const g = s.gradient_scale * gradient[k];
  float const m = first[k] = beta1 * first[k] + (1 - beta1) * g;
  float const v = second[k] = beta2 * second[k] + (1 - beta2) * g * g;
  parameters[k] -=
      s.rate * (s.unbias1 * m / (sqrtf(s.unbias2 * v) + adamw_step<float>::epsilon) + decay[k] * parameters[k]);
}

constexpr std::ptrdiff_t sum_parts = 256;

/// Part b of the sum of all values or of their squares.
template <bool Squared>
__global__ void sum_kernel(float const* values, std::ptrdiff_t count, double* part) {
  __shared__ double sums[256];
  double sum = 0;
  for (std::ptrdiff_t k = element_of_thread(); k < count; k += 256 * sum_parts) {
    auto const value = static_cast<double>(values[k]);
    sum += Squared ? value * value : value;
  }
  sums[threadIdx.x] = sum;
  for (unsigned half = 128; half > 0; half /= 2) {
    __syncthreads();
    if (threadIdx.x < half) sums[threadIdx.x] += sums[threadIdx.x + half];
  }
  if (threadIdx.x == 0) part[blockIdx.x] = sums[0];
}

}  // namespace
}  // namespace demo::on_device
