// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/laplacian.hpp>
#include <mhc/math/tile.hpp>

#include <concepts>

MHC_BEGIN_LANES

namespace mhc {

/// Number of logits per N x N matrix of the projection P.
template <class P, int N>
inline constexpr int logits_of = P::template logits<N>;

/// A value that says how logits become H_res: the number of logits per matrix, and three member templates over a lane
/// type V: the map itself, its vjp and its jvp. Satisfied by `sinkhorn<>` and `entropic` for every N. A field that can
/// be out of range is checked by an optional member `validate(operation)`.
template <class P, int N>
concept projection_onto =
    std::copyable<P> && requires(P const p, math::vec<double, logits_of<P, N>> const z, math::tile<double, N> const m) {
      { p.template apply<N>(z) } -> std::same_as<math::tile<double, N>>;
      { p.vjp(z, m, m) } -> std::same_as<math::vec<double, logits_of<P, N>>>;
      { p.jvp(z, m, z) } -> std::same_as<math::tile<double, N>>;
    };

/// What `project_vjp_vjp` needs besides: the member template `vjp_vjp`. Satisfied by `entropic` and
/// `entropic_with_marginals`.
template <class P, int N>
concept twice_differentiable =
    requires(P const p, math::vec<double, logits_of<P, N>> const z, math::tile<double, N> const m) {
      { p.vjp_vjp(z, m, m, z) } -> std::same_as<math::second_vjp<double, N>>;
    };

namespace detail {

template <class P>
void validate(char const* operation, P const& projection) {
  if constexpr (requires { projection.validate(operation); }) projection.validate(operation);
}

}  // namespace detail
}  // namespace mhc

MHC_END_LANES
