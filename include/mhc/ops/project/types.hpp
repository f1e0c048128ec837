// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/newton.hpp>
#include <mhc/math/tile.hpp>

namespace mhc {

/// The columns of the report of an exact projection.
enum report_column : int {
  report_error = 0,     ///< marginal error reached: max |row or column sum − 1|
  report_steps = 1,     ///< Newton steps taken
  report_converged = 2  ///< 1, or 0 if max_iterations were not enough
};

namespace detail {

template <class V, int N>
MHC_HD inline math::vec<V, 3> report_of(math::newton_result<V, N> const& solved) {
  math::vec<V, 3> r;
  r[report_error] = math::marginal_error(solved.plan);
  r[report_steps] = solved.steps;
  r[report_converged] = solved.converged;
  return r;
}

}  // namespace detail
}  // namespace mhc
