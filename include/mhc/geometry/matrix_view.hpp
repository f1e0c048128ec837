// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/tile.hpp>

#include <concepts>
#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

namespace mhc {

/// One square matrix of any order, packed and row-major; element (i, j) is data[i*order + j]. For algorithms on a
/// single matrix, whose order need not be known when the program is compiled.
template <scalar T>
struct matrix_view {
  T* data = nullptr;
  int order = 0;

  constexpr T& operator()(int i, int j) const { return data[static_cast<std::ptrdiff_t>(i) * order + j]; }

  template <std::same_as<T const> U>
    requires(!std::is_const_v<T>)
  constexpr operator matrix_view<U>() const {
    return {data, order};
  }
};

/// Matrix b of a batch.
template <scalar T, int N>
constexpr matrix_view<T> matrix_at(batch_view<T, N> batch, std::ptrdiff_t b) {
  return {batch.data + b * N * N, N};
}

namespace detail {

/// What geometry computes in: double, or the element type where it holds more.
template <class T>
using working_t = std::common_type_t<std::remove_cv_t<T>, double>;

template <class T>
constexpr argument reads(std::string_view name, matrix_view<T> const& m) {
  return reads(name, m.data, static_cast<std::ptrdiff_t>(m.order) * m.order);
}

template <class T>
void check_order(std::string_view operation, std::string_view name, matrix_view<T> const& m) {
  if (m.order >= 1) return;
  refuse(operation, std::string(name) + " has order " + std::to_string(m.order) + ", expected at least 1");
}

template <class T>
void check_matrix(std::string_view operation, std::string_view name, matrix_view<T> const& m) {
  check_order(operation, name, m);
  check_memory(operation, reads(name, m));
}

template <class T, class U>
void check_same_order(std::string_view operation, matrix_view<T> const& first, std::string_view name,
                      matrix_view<U> const& other) {
  if (other.order == first.order) return;
  refuse(operation,
         std::string(name) + " has order " + std::to_string(other.order) + ", expected " + std::to_string(first.order));
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

}  // namespace detail
}  // namespace mhc
