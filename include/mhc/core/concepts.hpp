// SPDX-License-Identifier: MIT
#pragma once

#include <concepts>
#include <type_traits>

namespace mhc {

/// Opt-in list of element types. A trait, not `std::floating_point`, so that a user can add a number
/// type of his own; `<mhc/interop/complex.hpp>` adds `std::complex` for complex-step checks.
template <class T>
inline constexpr bool is_scalar_v = std::is_floating_point_v<T>;

/// Element type of a view, possibly const. Satisfied by `float`, `double const`; not by `int`.
template <class T>
concept scalar = is_scalar_v<std::remove_cv_t<T>>;

/// Order of a matrix, or number of residual streams, that fits in one thread's registers: 1 to 16.
template <int N>
concept matrix_order = (N >= 1 && N <= 16);

/// Number of residual streams of the fused operations: 1 to 8.
template <int N>
concept stream_count = (N >= 1 && N <= 8);

namespace detail {

/// What is computed in where accuracy counts and speed does not: double, or the element type where it holds more.
template <class T>
using working_t = std::common_type_t<std::remove_cv_t<T>, double>;

}  // namespace detail
}  // namespace mhc
