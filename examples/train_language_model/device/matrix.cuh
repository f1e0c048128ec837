// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <type_traits>

namespace demo::on_device {

/// A row-major matrix in device memory, its rows `pitch` elements apart; or `count` of them, `stride` elements apart.
template <class T>
struct matrix {
  T* data;
  std::ptrdiff_t rows, columns, pitch;
  std::ptrdiff_t count = 1, stride = 0;
  bool transposed = false;

  matrix(T* its_data, std::ptrdiff_t its_rows, std::ptrdiff_t its_columns)
      : matrix(its_data, its_rows, its_columns, its_columns, 1, 0) {}
  matrix(T* its_data, std::ptrdiff_t its_rows, std::ptrdiff_t its_columns, std::ptrdiff_t its_pitch,
         std::ptrdiff_t its_count, std::ptrdiff_t its_stride)
      : data(its_data), rows(its_rows), columns(its_columns), pitch(its_pitch), count(its_count), stride(its_stride) {}

  /// Elements that may be written are elements that may be read.
  template <class U>
    requires(!std::is_const_v<U> && std::is_same_v<U const, T>)
  matrix(matrix<U> const& other)
      : matrix(other.data, other.rows, other.columns, other.pitch, other.count, other.stride) {
    transposed = other.transposed;
  }
};

/// The same elements; a product takes the rows for columns.
template <class T>
matrix<T> transpose(matrix<T> m) {
  m.transposed = !m.transposed;
  return m;
}

}  // namespace demo::on_device
