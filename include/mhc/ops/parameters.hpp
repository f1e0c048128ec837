// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/tile.hpp>

#include <concepts>
#include <cstddef>
#include <type_traits>

namespace mhc {

/// Whether a kind has φ in another element than everything else: see `with_phi`.
template <class Kind>
concept has_phi_element = requires { typename Kind::phi_element; };

namespace detail {

template <class Kind, class T>
struct phi_of {
  using type = T;
};
template <has_phi_element Kind, class T>
struct phi_of<Kind, T const> {
  using type = typename Kind::phi_element const;
};

}  // namespace detail

/// The learned arrays of one connection, or their gradients: φ with a row per score (the transpose of the paper's φ,
/// as published checkpoints store it), the gate scales α, the biases b. Which sizes they have, the kind says. A gradient
/// is of T, and so are parameters, but φ of a kind `with_phi`.
template <class Kind, class T = typename Kind::element>
struct parameters_of {
  typename detail::phi_of<Kind, T>::type* phi = nullptr;
  T* alpha = nullptr;
  T* bias = nullptr;

  template <std::same_as<T const> U>
    requires(!std::is_const_v<T> && !has_phi_element<Kind>)
  constexpr operator parameters_of<Kind, U>() const {
    return {phi, alpha, bias};
  }
};

/// Number of scores of a token: also the length of its bias.
template <class Kind>
inline constexpr int scores_of = Kind::rows * Kind::scores_per_row;

/// Numbers that can be kept of a token: its scores, and an inverse norm for every row. Of what is no kind of connection none,
/// so that the compiler says that.
template <class Kind>
inline constexpr int kept_numbers = 0;
template <class Kind>
  requires requires { Kind::rows* Kind::scores_per_row; }
inline constexpr int kept_numbers<Kind> = scores_of<Kind> + Kind::rows;

/// What `coefficients`, `pre`, `mix_pre` and the learned `contract` can keep for their gradients,
/// (B, kept_numbers<Kind>): of every token the scores ŝ, row after row, then the inverse norm r of each row.
template <class Kind, class T = typename Kind::element>
using score_view = vector_view<T, kept_numbers<Kind>>;

/// Elements of one normalised row of a token.
template <class Kind>
constexpr std::ptrdiff_t row_length(Kind const& kind) {
  return Kind::streams / Kind::rows * kind.channels;
}

/// Whether the coefficients depend on x; a static hyper_connection has neither phi nor alpha.
template <class Kind>
constexpr bool is_dynamic(Kind const& kind) {
  if constexpr (requires { kind.dynamic; }) return kind.dynamic;
  return Kind::scores_per_row > 0;
}
template <class Kind>
constexpr std::ptrdiff_t phi_size(Kind const& kind) {
  return is_dynamic(kind) ? Kind::scores_per_row * row_length(kind) : 0;
}
template <class Kind>
constexpr std::ptrdiff_t alpha_size(Kind const& kind) {
  return is_dynamic(kind) ? Kind::alphas : 0;
}
template <class Kind>
constexpr std::ptrdiff_t bias_size(Kind const&) {
  return scores_of<Kind>;
}

/// Elements of phi, alpha and bias together.
template <class Kind>
constexpr std::ptrdiff_t parameter_count(Kind const& kind) {
  return phi_size(kind) + alpha_size(kind) + bias_size(kind);
}

/// The parameters of `kind` in one array that holds phi, alpha, bias in this order. Null where there are none: the address
/// behind an array need not be memory of its kind.
template <class Kind, class T>
  requires std::same_as<typename detail::phi_of<Kind, T>::type, T>
constexpr parameters_of<Kind, T> parameters_at(Kind const& kind, T* base) {
  if (parameter_count(kind) == 0) return {};
  return {base, base + phi_size(kind), base + phi_size(kind) + alpha_size(kind)};
}

/// What the vjp of a gate yields for one token: the value of H_pre, and the gradients of the normalised scores, of α
/// and of b.
template <class V, class Kind>
struct gate_derivative {
  math::vec<V, Kind::streams> h_pre;
  math::vec<V, scores_of<Kind>> scores;
  math::vec<V, Kind::alphas> alpha;
  math::vec<V, scores_of<Kind>> bias;
};

}  // namespace mhc
