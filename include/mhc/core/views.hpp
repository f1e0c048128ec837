// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/concepts.hpp>
#include <mhc/core/config.hpp>
#include <mhc/core/elements.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>

/// @file
/// Non-owning views of packed, row-major arrays. B is the batch (tokens), N the streams, C the channels.
/// Every view of T converts to the view of T const. Streams and tokens may have elements of 16 bits.

namespace mhc {

/// (B, K): `size` vectors of K elements; element (b, k) is data[b*K + k].
template <scalar T, int K>
  requires(K >= 0)
struct vector_view {
  T* data = nullptr;
  std::ptrdiff_t size = 0;

  MHC_HD constexpr T& operator()(std::ptrdiff_t b, int k) const { return data[b * K + k]; }

  template <std::same_as<T const> U>
    requires(!std::is_const_v<T>)
  MHC_HD constexpr operator vector_view<U, K>() const {
    return {data, size};
  }
};

/// (B, N, N): `size` square matrices; element (b, i, j) is data[(b*N + i)*N + j].
template <scalar T, int N>
  requires matrix_order<N>
struct batch_view {
  T* data = nullptr;
  std::ptrdiff_t size = 0;

  MHC_HD constexpr T& operator()(std::ptrdiff_t b, int i, int j) const { return data[(b * N + i) * N + j]; }

  template <std::same_as<T const> U>
    requires(!std::is_const_v<T>)
  MHC_HD constexpr operator batch_view<U, N>() const {
    return {data, size};
  }

  /// The same numbers as vectors of N*N elements.
  template <class U>
    requires(std::same_as<U, T> || std::same_as<U, T const>)
  MHC_HD constexpr operator vector_view<U, N * N>() const {
    return {data, size};
  }
};

/// (n, n): one square matrix whose order need not be known when the program is compiled; element (i, j) is
/// data[i*order + j].
template <scalar T>
struct matrix_view {
  T* data = nullptr;
  int order = 0;

  MHC_HD constexpr T* row(int i) const { return data + static_cast<std::ptrdiff_t>(i) * order; }
  MHC_HD constexpr T& operator()(int i, int j) const { return row(i)[j]; }

  template <std::same_as<T const> U>
    requires(!std::is_const_v<T>)
  MHC_HD constexpr operator matrix_view<U>() const {
    return {data, order};
  }
};

/// Matrix b of a batch.
template <scalar T, int N>
MHC_HD constexpr matrix_view<T> matrix_at(batch_view<T, N> batch, std::ptrdiff_t b) {
  return {batch.data + b * N * N, N};
}

/// (B, N, C): N residual streams of C channels per token; element (b, i, c) is data[(b*N + i)*channels + c].
template <element T, int N>
  requires stream_count<N>
struct stream_view {
  T* data = nullptr;
  std::ptrdiff_t size = 0;
  std::ptrdiff_t channels = 0;

  /// Stream i of token b: `channels` contiguous elements.
  MHC_HD constexpr T* stream(std::ptrdiff_t b, int i) const { return data + (b * N + i) * channels; }

  template <std::same_as<T const> U>
    requires(!std::is_const_v<T>)
  MHC_HD constexpr operator stream_view<U, N>() const {
    return {data, size, channels};
  }
};

/// (B, C): one vector of C channels per token; element (b, c) is data[b*channels + c].
template <element T>
struct token_view {
  T* data = nullptr;
  std::ptrdiff_t size = 0;
  std::ptrdiff_t channels = 0;

  /// Token b: `channels` contiguous elements.
  MHC_HD constexpr T* token(std::ptrdiff_t b) const { return data + b * channels; }

  template <std::same_as<T const> U>
    requires(!std::is_const_v<T>)
  MHC_HD constexpr operator token_view<U>() const {
    return {data, size, channels};
  }
};

}  // namespace mhc
