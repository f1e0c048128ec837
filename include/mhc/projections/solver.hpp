// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/error.hpp>
#include <mhc/math/lane.hpp>
#include <mhc/math/newton.hpp>
#include <mhc/math/tile.hpp>

#include <string>
#include <type_traits>

/// @file
/// What the iterative projections share.

MHC_BEGIN_LANES

namespace mhc::detail {

/// What float cannot resolve (a lane that has not converged) is solved again in double, and rounded once. Other element
/// types are left alone. `solve` takes a matrix of double.
template <class V, int N, class Solve>
MHC_HD inline void promote(math::tile<V, N> const& z, math::newton_result<V, N>& result, Solve const& solve) {
  if constexpr (std::is_same_v<math::scalar_of<V>, float>) {
    using lane = math::lane<V>;
    auto const in_double = [&]() MHC_RARELY {
      for (int w = 0; w < lane::count; ++w) {
        if (lane::get(result.converged, w) == 1) continue;
        math::tile<double, N> wide;
        for (int k = 0; k < N * N; ++k) wide[k] = static_cast<double>(lane::get(z[k], w));
        auto const exact = solve(wide);
        for (int k = 0; k < N * N; ++k) lane::set(result.plan[k], w, static_cast<float>(exact.plan[k]));
        lane::set(result.steps, w, lane::get(result.steps, w) + static_cast<float>(exact.steps));
        lane::set(result.converged, w, static_cast<float>(exact.converged));
      }
    };
    if (lane::any(math::less<V>(result.converged, V(1)))) in_double();
  }
}

inline void require_solver_options(char const* operation, char const* name, double tolerance, int max_iterations) {
  if (!(tolerance >= 0)) {
    throw option_error(std::string(operation) + ": " + name + ".tolerance is " + std::to_string(tolerance) +
                       ", expected 0 or more");
  }
  if (max_iterations < 1) {
    throw option_error(std::string(operation) + ": " + name + ".max_iterations is " + std::to_string(max_iterations) +
                       ", expected 1 or more");
  }
}

}  // namespace mhc::detail

MHC_END_LANES
