// SPDX-License-Identifier: MIT
#pragma once

#include "sizes.hpp"

#include <Eigen/Core>

#include <cstddef>
#include <vector>

namespace demo {

template <class T>
using matrix = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
template <class T>
using row_vector = Eigen::Matrix<T, 1, Eigen::Dynamic>;

template <class T>
using matrix_map = Eigen::Map<matrix<T>>;
template <class T>
using const_matrix_map = Eigen::Map<matrix<T> const>;
template <class T>
using row_map = Eigen::Map<row_vector<T>>;
template <class T>
using const_row_map = Eigen::Map<row_vector<T> const>;

/// Aligned for the widest vector register. Eigen computes what stands before the first aligned element one by one,
/// with the scalar exp and tanh, so the address would otherwise show in the last bits and a resumed run, with its
/// arrays elsewhere in memory, would not repeat the uninterrupted one.
template <class T>
using buffer = std::vector<T, Eigen::aligned_allocator<T>>;

template <class T>
T* data_at(buffer<T>& values, std::ptrdiff_t offset) {
  return values.data() + offset;
}

}  // namespace demo
