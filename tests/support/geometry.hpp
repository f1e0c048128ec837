// SPDX-License-Identifier: MIT
#pragma once

// Single square matrices of any order, packed row by row: random points and tangents of the polytope, made without the
// library's geometry.

#include "support/arrays.hpp"
#include "support/reference.hpp"

#include <mhc/geometry/matrix.hpp>

#include <cmath>
#include <cstddef>
#include <vector>

namespace mhc::test {

template <class T>
int order_of(std::vector<T> const& m) {
  return static_cast<int>(std::lround(std::sqrt(static_cast<double>(m.size()))));
}

template <class T>
matrix_view<T const> view(std::vector<T> const& m) {
  return {m.data(), order_of(m)};
}
template <class T>
matrix_view<T> view(std::vector<T>& m) {
  return {m.data(), order_of(m)};
}

/// `batch` matrices of a packed array.
template <int N, class T>
batch_view<T const, N> as_batch(std::vector<T> const& a) {
  return {a.data(), static_cast<std::ptrdiff_t>(a.size()) / (N * N)};
}
template <int N, class T>
batch_view<T, N> as_batch(std::vector<T>& a) {
  return {a.data(), static_cast<std::ptrdiff_t>(a.size()) / (N * N)};
}

/// A positive doubly stochastic matrix: logits N(0, σ²), projected by the reference in long double.
template <class T = double>
std::vector<T> random_plan(int n, double sigma = 1, unsigned seed = 1) {
  auto const p = reference::exact(widen(gaussian<double>(n * n, sigma, seed)), static_cast<std::size_t>(n));
  return std::vector<T>(p.begin(), p.end());
}

/// A matrix whose rows and columns sum to 0.
template <class T = double>
std::vector<T> random_tangent(int n, double sigma = 1, unsigned seed = 1) {
  auto const g = widen(gaussian<double>(n * n, sigma, seed));
  auto const size = static_cast<std::size_t>(n);
  std::vector<long double> row(size), column(size);
  long double all = 0;
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t j = 0; j < size; ++j) {
      row[i] += g[i * size + j] / n;
      column[j] += g[i * size + j] / n;
      all += g[i * size + j] / (n * n);
    }
  std::vector<T> u;
  for (std::size_t i = 0; i < size; ++i)
    for (std::size_t j = 0; j < size; ++j) u.push_back(static_cast<T>(g[i * size + j] - row[i] - column[j] + all));
  return u;
}

/// `batch` of them, one after another.
template <class F>
auto repeated(int batch, F&& make) {
  auto all = make(0u);
  for (unsigned b = 1; b < static_cast<unsigned>(batch); ++b) {
    auto const one = make(b);
    all.insert(all.end(), one.begin(), one.end());
  }
  return all;
}

template <class T>
std::vector<T> product(std::vector<T> const& a, std::vector<T> const& b) {
  auto const n = static_cast<std::size_t>(order_of(a));
  std::vector<T> c(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < n; ++k)
      for (std::size_t j = 0; j < n; ++j) c[i * n + j] += a[i * n + k] * b[k * n + j];
  return c;
}

template <class T>
std::vector<T> transposed(std::vector<T> const& a) {
  auto const n = static_cast<std::size_t>(order_of(a));
  std::vector<T> c(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) c[i * n + j] = a[j * n + i];
  return c;
}

/// Entry by entry.
template <class T, class F>
std::vector<T> zipped(std::vector<T> const& a, std::vector<T> const& b, F&& f) {
  std::vector<T> c;
  for (std::size_t k = 0; k < a.size(); ++k) c.push_back(f(a[k], b[k]));
  return c;
}

/// The points that Manifolds.jl and Manopt test with, 3 x 3.
inline std::vector<std::vector<double>> published_points() {
  return {std::vector<double>(9, 1. / 3), {.1, .2, .7, .2, .7, .1, .7, .1, .2}, {.1, .4, .5, .4, .5, .1, .5, .1, .4}};
}

}  // namespace mhc::test
