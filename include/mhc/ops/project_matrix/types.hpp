// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace mhc {

/// What `project` says about one large matrix.
struct matrix_report {
  double error;    ///< marginal error reached, max |row or column sum − 1|, before the plan is rounded to its type
  int steps;       ///< iterations of `sinkhorn`; of a solver, Newton steps and the cheap steps before them
  bool converged;  ///< of a solver: whether the steps were enough; of `sinkhorn`: whether the error is rounding, n·eps
};

namespace detail {

/// Rows of working numbers are padded to this many, so that no vector loop has a remainder.
inline constexpr int row_padding = 16;

/// How a matrix of order n is stored and shared out. The blocks of rows depend on n alone: a sum over rows is taken
/// block by block, and so has the same bits for any number of threads.
struct matrix_shape {
  static constexpr int most_blocks = 64;
  static constexpr int least_rows = 8;  ///< of a block: of fewer, the sums of blocks would be half of the work

  int order;
  int padded;
  int rows;  ///< per block
  int blocks;

  constexpr explicit matrix_shape(int n)
      : order(n),
        padded((n + row_padding - 1) / row_padding * row_padding),
        rows((n + most_blocks - 1) / most_blocks < least_rows ? least_rows : (n + most_blocks - 1) / most_blocks),
        blocks((n + rows - 1) / rows) {}

  constexpr std::ptrdiff_t square() const { return static_cast<std::ptrdiff_t>(padded) * padded; }
  constexpr std::ptrdiff_t offset(int i) const { return static_cast<std::ptrdiff_t>(i) * padded; }
};

/// Cuts arrays from a workspace. Without memory it counts what they need.
template <class W>
struct scratch {
  W* data = nullptr;
  std::ptrdiff_t used = 0;

  constexpr W* take(std::ptrdiff_t count) {
    W* const first = data == nullptr ? nullptr : data + used;
    used += count;
    return first;
  }
};

}  // namespace detail
}  // namespace mhc
