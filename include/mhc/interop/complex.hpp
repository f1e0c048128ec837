// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/concepts.hpp>
#include <mhc/math/lane.hpp>

#include <complex>

/// @file
/// std::complex as an element type of the sequential backend, for derivatives by the complex step: with a tangent of
/// 1e-100 in the imaginary part, Im f / 1e-100 is the derivative of f without a subtraction, hence exact to rounding
/// (W. Squire, G. Trapp, SIAM Review 40 (1998) 110–112). Numbers are compared by their real parts.

namespace mhc {

template <class T>
inline constexpr bool is_scalar_v<std::complex<T>> = is_scalar_v<T>;

namespace math {

template <class T>
struct lane<std::complex<T>> {
  using scalar = T;
  using mask = bool;
  static mask less(std::complex<T> const& a, std::complex<T> const& b) { return a.real() < b.real(); }
  static std::complex<T> select(mask m, std::complex<T> const& a, std::complex<T> const& b) { return m ? a : b; }
  static bool any(mask m) { return m; }

  static constexpr int count = 1;
  static scalar get(std::complex<T> const& v, int) { return v.real(); }
};

}  // namespace math
}  // namespace mhc
