// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/check.hpp>
#include <mhc/ops/connections.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <span>
#include <string>
#include <type_traits>

/// @file
/// Starting values with which a stack of connections behaves as the plain residual network it replaces. For host
/// memory. φ and θ start at zero: a caller who wants to break the symmetry adds noise.

namespace mhc {

namespace detail {

/// A projection that says where its logits start.
template <class P, int N, class T>
concept has_start = requires(P const p, T* logits) { p.template start<N>(T(8), logits); };

template <class Kind>
void check_parameter_span(Kind const& kind, std::size_t size) {
  if (size != static_cast<std::size_t>(parameter_count(kind))) {
    refuse("mhc::initialise",
           "parameters has " + std::to_string(size) + " elements, expected " + std::to_string(parameter_count(kind)));
  }
}

}  // namespace detail

/// Nothing to do: the plain residual has no parameters.
template <class T>
void initialise(residual<T> const& kind, std::ptrdiff_t, std::type_identity_t<std::span<T>> parameters) {
  detail::check_parameter_span(kind, parameters.size());
}

/// Hyper-connections start as in their paper: H_pre = e_{layer mod N}, H_post = 1, H_res = I, α = 0.01.
///
/// @see D. Zhu et al., arXiv:2409.19606, section 2.3
template <class T, int N>
void initialise(hyper_connection<T, N> const& kind, std::ptrdiff_t layer,
                std::type_identity_t<std::span<T>> parameters) {
  detail::check_parameter_span(kind, parameters.size());
  std::fill(parameters.begin(), parameters.end(), T(0));
  auto const p = parameters_at(kind, parameters.data());
  if (is_dynamic(kind)) std::fill_n(p.alpha, 3, T(0.01));
  p.bias[layer % N] = T(1);
  std::fill_n(p.bias + N, N, T(1));
  for (int i = 0; i < N; ++i) p.bias[2 * N + i * N + i] = T(1);
}

/// mHC: α = 0.01, H_pre = 1/N, H_post = 1, and H_res near the identity, where the projection says that is (`start`); by
/// default, for logits that are an N x N matrix, at 0 on the diagonal and −diagonal off it.
///
/// @param diagonal  8 gives off-diagonal entries of about 3e-4; smaller values let the streams mix, and learn, sooner
template <class T, int N, class P>
  requires(detail::has_start<P, N, T> || logits_of<P, N> == N * N)
void initialise(connection<T, N, P> const& kind, std::ptrdiff_t, std::type_identity_t<std::span<T>> parameters,
                std::type_identity_t<T> diagonal = T(8)) {
  detail::check_parameter_span(kind, parameters.size());
  std::fill(parameters.begin(), parameters.end(), T(0));
  auto const p = parameters_at(kind, parameters.data());
  std::fill_n(p.alpha, 3, T(0.01));
  // σ(b) = 1/N; at N = 1, where no finite b gives 1, σ(8) is 1 to 3e-4
  std::fill_n(p.bias, N, N > 1 ? -std::log(T(N - 1)) : T(8));
  T* const res = p.bias + 2 * N;
  if constexpr (detail::has_start<P, N, T>) {
    kind.projection.template start<N>(diagonal, res);
  } else {
    for (int k = 0; k < N * N; ++k) res[k] = k % (N + 1) == 0 ? T(0) : -diagonal;
  }
}

}  // namespace mhc
