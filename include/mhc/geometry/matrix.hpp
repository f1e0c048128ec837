// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/tile.hpp>

#include <cstddef>
#include <limits>
#include <string_view>
#include <vector>

/// @file
/// What the algorithms on a single matrix share.

namespace mhc::detail {

template <class T>
void check_matrix(std::string_view operation, std::string_view name, matrix_view<T> const& m) {
  check_order(operation, name, m.order);
  check_memory(operation, reads(name, m));
}

/// The rounding of a sum of n entries of T near 1, with a margin.
template <class T>
constexpr double rounding_tolerance(int n) {
  return 4.0 * n * static_cast<double>(std::numeric_limits<T>::epsilon());
}

/// A working copy in double.
template <class T>
std::vector<double> widened(matrix_view<T> const& m) {
  return std::vector<double>(m.data, m.data + static_cast<std::ptrdiff_t>(m.order) * m.order);
}

/// Position of (i, j) in a packed n x n array.
constexpr std::size_t at(int n, int i, int j) {
  return static_cast<std::size_t>(i) * static_cast<std::size_t>(n) + static_cast<std::size_t>(j);
}

template <class T, int N>
math::tile<working_t<T>, N> load(batch_view<T, N> batch, std::ptrdiff_t b) {
  math::tile<working_t<T>, N> a;
  for (int k = 0; k < N * N; ++k) a[k] = static_cast<working_t<T>>(batch.data[b * N * N + k]);
  return a;
}

template <class V, class T, int N>
void store(math::tile<V, N> const& a, batch_view<T, N> batch, std::ptrdiff_t b) {
  for (int k = 0; k < N * N; ++k) batch.data[b * N * N + k] = static_cast<T>(a[k]);
}

}  // namespace mhc::detail
