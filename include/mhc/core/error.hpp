// SPDX-License-Identifier: MIT
#pragma once

#include <stdexcept>

namespace mhc {

/// The arguments of an operation do not fit together: a size, a channel count, a null, misaligned or
/// overlapping buffer. `what()` names the operation, the argument, what was given and what was expected.
struct shape_error : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// An option of a projection, a connection or a stack is out of range. `what()` says which and what is allowed.
struct option_error : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

/// A CUDA call failed. `what()` says which operation, what it was doing, and CUDA's own name and words for the error.
struct cuda_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Logits of −infinity in one matrix leave no matrix of the family that is asked for. `what()` says which and why.
struct scaling_error : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

namespace detail {

template <class>
inline constexpr bool always_false = false;

}  // namespace detail
}  // namespace mhc
