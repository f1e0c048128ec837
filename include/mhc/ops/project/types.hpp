// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/marginals.hpp>
#include <mhc/math/newton.hpp>
#include <mhc/math/tile.hpp>

#include <cstddef>

MHC_BEGIN_LANES

namespace mhc {

/// The columns of the report of an exact projection.
enum report_column : int {
  report_error = 0,     ///< marginal error reached: max |row or column sum − what it should be|
  report_steps = 1,     ///< Newton steps taken
  report_converged = 2  ///< 1, or 0 if max_iterations were not enough
};

namespace detail {

/// What the projection wants rows and columns to sum to.
template <class P>
MHC_HD constexpr auto marginals_of([[maybe_unused]] P const& projection) {
  if constexpr (requires { projection.marginals; })
    return projection.marginals;
  else
    return math::unit_marginals{};
}

template <class P, class V, int N>
MHC_HD inline math::vec<V, 3> report_of(P const& projection, math::newton_result<V, N> const& solved) {
  math::vec<V, 3> r;
  r[report_error] = math::marginal_error(marginals_of(projection), solved.plan);
  r[report_steps] = solved.steps;
  r[report_converged] = solved.converged;
  return r;
}

/// Projections whose maps, or whose derivatives, are iterations. The gradient that such a one asks for is a field, and
/// implicit_vjp is `vjp` for gradient::implicit; unrolled_vjp, for gradient::unrolled, it may have too.
template <class P, int N>
inline constexpr bool iterates = requires { requires P::template iterates<N>; };
template <class P, int N>
inline constexpr bool derivative_iterates = iterates<P, N> && requires(P const& projection) { projection.gradient; };
template <class P, int N>
inline constexpr bool has_unrolled_vjp = requires(P const& projection, math::vec<float, N * N> const& z,
                                                  math::tile<float, N> const& g) { projection.unrolled_vjp(z, g); };

/// A projection that not every pattern of −infinities leaves something to project onto: host backends ask it before they
/// write anything.
template <class P, int N, class T>
concept checks_masks =
    requires(P const& projection, T const* logits) { projection.template require_scalable<N>("", logits, 1); };

}  // namespace detail
}  // namespace mhc

MHC_END_LANES
