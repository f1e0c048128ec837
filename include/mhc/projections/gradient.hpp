// SPDX-License-Identifier: MIT
#pragma once

namespace mhc {

/// Which derivative a truncated iteration is given. They are derivatives of different functions unless the iteration
/// has converged (median relative difference at 20 iterations of 4 x 4 logits N(0, σ²): 4e-12 at σ = 1, 1e-3 at σ = 3).
enum class gradient {
  unrolled,  ///< the exact derivative of the finite iteration
  implicit,  ///< the analytic derivative of a scaling with the marginals that the plan has; reads the plan alone
  automatic  ///< implicit for a matrix whose marginal error is within 16·N·eps, where both agree; else unrolled
};

}  // namespace mhc
