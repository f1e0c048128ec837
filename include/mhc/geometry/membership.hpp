// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/geometry/matrix.hpp>

#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>

namespace mhc {

/// Whether a matrix belongs to a set, and if not, the first reason: entries before rows before columns.
struct membership {
  enum class violation { none, entry, row_sum, column_sum };

  violation what = violation::none;
  int row = -1;      ///< of the entry or row in question
  int column = -1;   ///< of the entry or column in question
  double value = 0;  ///< that entry, or that sum
  char const* expected = "";
  double tolerance = 0;  ///< absolute

  explicit operator bool() const { return what == violation::none; }

  /// "row 1 sums to 1.1 (expected 1, tolerance 1e-12)"
  std::string message() const;
};

/// A matrix is not in the set that an operation is defined on. `what()` names the operation and the reason.
struct membership_error : std::invalid_argument {
  using std::invalid_argument::invalid_argument;
};

namespace detail {

inline std::string number(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.9g", x);
  return text;
}

inline void check_tolerance(std::string_view operation, double tolerance) {
  if (tolerance >= 0) return;
  throw option_error(std::string(operation) + ": tolerance is " + number(tolerance) + ", expected 0 or more");
}

/// The first entry that `accepts` refuses.
template <class T, class F>
membership check_entries(matrix_view<T> const& m, char const* expected, double tolerance, F&& accepts) {
  for (int i = 0; i < m.order; ++i)
    for (int j = 0; j < m.order; ++j)
      if (double const x = static_cast<double>(m(i, j)); !accepts(x))
        return {membership::violation::entry, i, j, x, expected, tolerance};
  return {};
}

/// The first row, then the first column, whose sum is not within the tolerance of `sum`.
template <class T>
membership check_sums(matrix_view<T> const& m, double sum, char const* expected, double tolerance) {
  for (bool const rows : {true, false})
    for (int i = 0; i < m.order; ++i) {
      working_t<T> total = 0;
      for (int j = 0; j < m.order; ++j) total += static_cast<working_t<T>>(rows ? m(i, j) : m(j, i));
      if (std::abs(total - static_cast<working_t<T>>(sum)) <= static_cast<working_t<T>>(tolerance)) continue;
      auto const found = static_cast<double>(total);
      return rows ? membership{membership::violation::row_sum, i, -1, found, expected, tolerance}
                  : membership{membership::violation::column_sum, -1, i, found, expected, tolerance};
    }
  return {};
}

inline void require_member(std::string_view operation, std::string_view name, membership const& m) {
  if (!m) throw membership_error(std::string(operation) + ": " + std::string(name) + ": " + m.message());
}

}  // namespace detail

inline std::string membership::message() const {
  std::string text;
  switch (what) {
    case violation::none: return "no violation";
    case violation::entry: text = "entry (" + std::to_string(row) + ", " + std::to_string(column) + ") is "; break;
    case violation::row_sum: text = "row " + std::to_string(row) + " sums to "; break;
    case violation::column_sum: text = "column " + std::to_string(column) + " sums to "; break;
  }
  text += detail::number(value) + " (expected " + expected;
  return tolerance > 0 ? text + ", tolerance " + detail::number(tolerance) + ")" : text + ")";
}

/// Is the matrix in the Birkhoff polytope: no entry below −tolerance, every row and column sum within it of 1?
///
/// Shapes      plan (n, n), in host memory.
/// Result      converts to bool; sums are taken in double, or in the element type where it holds more.
/// Memory      no allocation, except for the message.
/// Non-finite  a NaN or infinite entry is a violation.
///
/// @param tolerance  absolute; 0 stands for 4·n·eps of the element type. A finite Sinkhorn iteration needs more.
/// @throws mhc::shape_error   plan is null, misaligned or empty
/// @throws mhc::option_error  tolerance is negative or NaN
/// @see mhc::marginal_error for the distance of a whole batch.
template <scalar T>
membership in_polytope(matrix_view<T> plan, double tolerance = 0) {
  detail::check_matrix("mhc::in_polytope", "plan", plan);
  detail::check_tolerance("mhc::in_polytope", tolerance);
  if (tolerance == 0) tolerance = detail::rounding_tolerance<T>(plan.order);
  auto const entries = detail::check_entries(plan, "0 or more", tolerance,
                                             [&](double x) { return x >= -tolerance && std::isfinite(x); });
  return entries ? detail::check_sums(plan, 1, "1", tolerance) : entries;
}

/// Is the matrix in the relative interior of the polytope, the manifold of positive doubly stochastic matrices: every
/// entry above 0, every row and column sum within the tolerance of 1?
///
/// Shapes      plan (n, n), in host memory.
/// Result      converts to bool. The tolerance is for the sums: positive means positive.
/// Memory      no allocation, except for the message.
/// Non-finite  a NaN or infinite entry is a violation.
///
/// @param tolerance  absolute; 0 stands for 4·n·eps of the element type
/// @throws mhc::shape_error   plan is null, misaligned or empty
/// @throws mhc::option_error  tolerance is negative or NaN
template <scalar T>
membership in_interior(matrix_view<T> plan, double tolerance = 0) {
  detail::check_matrix("mhc::in_interior", "plan", plan);
  detail::check_tolerance("mhc::in_interior", tolerance);
  if (tolerance == 0) tolerance = detail::rounding_tolerance<T>(plan.order);
  auto const entries =
      detail::check_entries(plan, "more than 0", 0, [](double x) { return x > 0 && std::isfinite(x); });
  return entries ? detail::check_sums(plan, 1, "1", tolerance) : entries;
}

}  // namespace mhc
