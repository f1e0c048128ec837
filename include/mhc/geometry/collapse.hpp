// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/geometry/gains.hpp>
#include <mhc/geometry/matrix.hpp>
#include <mhc/geometry/spectrum.hpp>

#include <cmath>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <vector>

namespace mhc {

/// How close a composite map H_L … H_1 of the streams is to the average J/n, after which all streams are the same and
/// no gradient tells them apart.
struct stream_collapse {
  double second_singular_value;  ///< 0 once collapsed
  double dobrushin;              ///< 0 once all outputs are the same
  double distance_to_average;    ///< ‖H − J/n‖_F
  double effective_rank;         ///< exp of the entropy of σ_i/Σσ: 1 once collapsed, n for a permutation
};

namespace detail {

inline stream_collapse collapse_of(matrix_view<double const> h) {
  int const n = h.order;
  auto const s = singular_values_of(n, widened(h));
  double const total = std::accumulate(s.begin(), s.end(), 0.0);
  double entropy = 0, distance = 0;
  for (double const x : s) entropy -= x == 0 ? 0 : x / total * std::log(x / total);
  for (int i = 0; i < n; ++i)
    for (int j = 0; j < n; ++j) distance += (h(i, j) - 1.0 / n) * (h(i, j) - 1.0 / n);
  return {n > 1 ? s[1] : 0.0, dobrushin_coefficient(h), std::sqrt(distance), std::exp(entropy)};
}

}  // namespace detail

/// The collapse of one composite map.
///
/// Shapes      composite (n, n), in host memory.
/// Result      in double; values below n·eps mean 0.
/// Memory      allocates n² doubles.
/// Non-finite  a NaN or infinity gives NaN.
///
/// @throws mhc::shape_error  the composite is null, misaligned or empty
/// @see O. Roy, M. Vetterli, EUSIPCO 2007, 606–610 for the effective rank.
template <scalar T>
stream_collapse collapse(matrix_view<T> composite) {
  detail::check_matrix("mhc::collapse", "composite", composite);
  auto const h = detail::widened(composite);
  return detail::collapse_of({h.data(), composite.order});
}

/// The collapse of H_l … H_0 for every depth l of the L matrices that one token meets, first layer first.
///
/// Shapes      h_res (L, N, N), in host memory; by_depth (L).
/// Result      in double, whatever the element type. On the polytope σ₂, Dobrushin's coefficient and the distance to
///             the average never grow with depth.
/// Memory      allocates 2·N² doubles per layer, one layer at a time.
/// Non-finite  a NaN spoils its layer and all later ones.
///
/// @throws mhc::shape_error  h_res is null or misaligned, or by_depth has another size; nothing is written
/// @see mhc::composite_gain
template <scalar U, int N>
void collapse_by_depth(batch_view<U, N> h_res, std::span<stream_collapse> by_depth) {
  detail::check("mhc::collapse_by_depth", {detail::reads("h_res", h_res)});
  if (by_depth.size() != static_cast<std::size_t>(h_res.size)) {
    detail::refuse("mhc::collapse_by_depth", "by_depth has " + std::to_string(by_depth.size()) + " entries, expected " +
                                                 std::to_string(h_res.size));
  }
  detail::composite_map<N> map;
  for (std::ptrdiff_t l = 0; l < h_res.size; ++l) {
    map.apply(h_res.data + l * N * N);
    by_depth[static_cast<std::size_t>(l)] = detail::collapse_of({&map.at[0][0], N});
  }
}

}  // namespace mhc
