// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/concepts.hpp>
#include <mhc/core/error.hpp>
#include <mhc/core/views.hpp>
#include <mhc/math/gates.hpp>
#include <mhc/math/tile.hpp>
#include <mhc/ops/parameters.hpp>
#include <mhc/projections/concepts.hpp>

#include <concepts>
#include <cstddef>
#include <string>
#include <type_traits>

/// @file
/// The kinds of residual connection, as values. A kind says how the streams x of a token become its coefficients
/// H_pre, H_post, H_res: x is cut into `rows` normalised rows, each gives `scores_per_row` products with φ, and the
/// lane-generic `gate` turns all scores of the token into the coefficients. Everything else (reading x once, threads,
/// gradients of x, φ, α and b) is the same for every kind and lives in the operations.

MHC_BEGIN_LANES

namespace mhc {

/// A kind of residual connection. Satisfied by `residual`, `hyper_connection`, `connection` and the output `head`.
template <class Kind>
concept connection_kind = requires(Kind const kind) {
  typename Kind::element;
  { Kind::streams + Kind::rows + Kind::scores_per_row + Kind::alphas + Kind::outputs } -> std::convertible_to<int>;
  { kind.channels } -> std::convertible_to<std::ptrdiff_t>;
  { kind.norm_epsilon } -> std::convertible_to<typename Kind::element>;
};

/// The plain residual x' = x + F(x): one stream, H_pre = H_post = H_res = 1, no parameters.
template <scalar T>
struct residual {
  std::ptrdiff_t channels;

  using element = T;
  static constexpr int streams = 1, rows = 1, scores_per_row = 0, alphas = 0, outputs = 3;
  static constexpr T norm_epsilon = 1;  // nothing is normalised

  template <class V>
  MHC_HD math::vec<V, outputs> gate(math::vec<V, 0> const&, T const*, T const*) const {
    return math::filled<outputs>(V(T(1)));
  }
  template <class V>
  MHC_HD gate_derivative<V, residual> gate_vjp(math::vec<V, 0> const&, T const*, T const*,
                                               math::vec<V, outputs> const&) const {
    return {.h_pre = math::filled<1>(V(T(1))), .scores = {}, .alpha = {}, .bias = {}};
  }
};

/// Hyper-connections, unconstrained: with x̃_i = x_i / rms(x_i) for every stream i,
///   H_pre,i = α_pre tanh(θ_pre·x̃_i) + b_pre,i,  H_post,i = α_post tanh(θ_post·x̃_i) + b_post,i,
///   H_res,ki = α_res tanh(θ_res,k·x̃_i) + b_res,ki.
/// Parameters: phi (N+2, C) = θ with rows pre, post, res 0 … N−1; alpha (3); bias (2N + N²).
/// Static: the coefficients are b, and there is neither phi nor alpha.
///
/// @see D. Zhu et al., arXiv:2409.19606; in this notation arXiv:2512.24880, eq. 5.
template <scalar T, int N>
  requires stream_count<N>
struct hyper_connection {
  std::ptrdiff_t channels;
  bool dynamic = true;
  T norm_epsilon = T(1e-6);

  using element = T;
  static constexpr int streams = N, rows = N, scores_per_row = N + 2, alphas = 3, outputs = 2 * N + N * N;

  template <class V>
  MHC_HD math::vec<V, outputs> gate(math::vec<V, outputs> const& s, T const* alpha, T const* bias) const {
    math::vec<V, outputs> h;
    MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int k = 0; k < N + 2; ++k) {
      int const o = output(i, k);
      h[o] = V(bias[o]);
      if (dynamic) h[o] = h[o] + V(alpha[group(k)]) * math::hyperbolic_tangent(s[i * (N + 2) + k]);
    }
    return h;
  }

  template <class V>
  MHC_HD gate_derivative<V, hyper_connection> gate_vjp(math::vec<V, outputs> const& s, T const* alpha, T const* bias,
                                                       math::vec<V, outputs> const& gradient) const {
    gate_derivative<V, hyper_connection> d;
    d.alpha = math::filled<3>(V(T(0)));
    d.bias = gradient;
    MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int k = 0; k < N + 2; ++k) {
      int const o = output(i, k), g = group(k);
      V const scale(dynamic ? alpha[g] : T(0));
      V const y = dynamic ? math::hyperbolic_tangent(s[i * (N + 2) + k]) : V(T(0));
      d.scores[i * (N + 2) + k] = gradient[o] * scale * math::hyperbolic_tangent_derivative(y);
      d.alpha[g] = d.alpha[g] + gradient[o] * y;
      if (k == 0) d.h_pre[i] = V(bias[i]) + scale * y;
    }
    return d;
  }

 private:
  /// Score k of stream i belongs to this coefficient.
  MHC_HD static constexpr int output(int i, int k) { return k < 2 ? k * N + i : 2 * N + (k - 2) * N + i; }
  MHC_HD static constexpr int group(int k) { return k < 2 ? k : 2; }
};

/// A manifold-constrained hyper-connection: with s = φ x⃗ / rms(x⃗) over all N·C elements of a token and H̃ = α s + b,
///   H_pre = σ(H̃_pre) + pre_epsilon,  H_post = post_scale σ(H̃_post),  H_res = Π(H̃_res).
/// Parameters: phi (K, N·C), alpha (3: pre, post, res), bias (K); K = 2N + P::logits<N>, ordered pre, post, res.
///
/// @tparam P  the projection Π: `sinkhorn<…>`, `entropic`, …
/// @see mHC, arXiv:2512.24880, eq. 7–8 and 14–19.
template <scalar T, int N, class P>
  requires(stream_count<N> && projection_onto<P, N>)
struct connection {
  std::ptrdiff_t channels;
  P projection = {};
  T norm_epsilon = T(1e-20);  ///< added to the mean square before the root
  T pre_epsilon = 0;
  T post_scale = 2;

  using element = T;
  static constexpr int logits = logits_of<P, N>;
  static constexpr int streams = N, rows = 1, scores_per_row = 2 * N + logits, alphas = 3, outputs = 2 * N + N * N;

  template <class V>
  MHC_HD math::vec<V, outputs> gate(math::vec<V, scores_per_row> const& s, T const* alpha, T const* bias) const {
    math::vec<V, outputs> h;
    MHC_UNROLL for (int i = 0; i < N; ++i) {
      h[i] = pre(s, alpha, bias, i) + V(pre_epsilon);
      h[N + i] = V(post_scale) * post(s, alpha, bias, i);
    }
    math::tile<V, N> const plan = projection.template apply<N>(res(s, alpha, bias));
    MHC_UNROLL for (int k = 0; k < N * N; ++k) h[2 * N + k] = plan[k];
    return h;
  }

  template <class V>
  MHC_HD gate_derivative<V, connection> gate_vjp(math::vec<V, scores_per_row> const& s, T const* alpha, T const* bias,
                                                 math::vec<V, outputs> const& gradient) const {
    gate_derivative<V, connection> d;
    MHC_UNROLL for (int i = 0; i < N; ++i) {
      V const y = pre(s, alpha, bias, i), z = post(s, alpha, bias, i);
      d.h_pre[i] = y + V(pre_epsilon);
      d.bias[i] = gradient[i] * math::sigmoid_derivative(y);
      d.bias[N + i] = V(post_scale) * gradient[N + i] * math::sigmoid_derivative(z);
    }
    math::tile<V, N> plan_gradient;
    MHC_UNROLL for (int k = 0; k < N * N; ++k) plan_gradient[k] = gradient[2 * N + k];
    auto const z = res(s, alpha, bias);
    auto const logits_gradient = projection.vjp(z, projection.template apply<N>(z), plan_gradient);
    MHC_UNROLL for (int k = 0; k < logits; ++k) d.bias[2 * N + k] = logits_gradient[k];
    d.alpha = math::filled<3>(V(T(0)));
    MHC_UNROLL for (int k = 0; k < scores_per_row; ++k) {  // H̃ = α s + b
      d.scores[k] = V(alpha[group(k)]) * d.bias[k];
      d.alpha[group(k)] = d.alpha[group(k)] + s[k] * d.bias[k];
    }
    return d;
  }

 private:
  MHC_HD static constexpr int group(int k) { return k < N ? 0 : k < 2 * N ? 1 : 2; }
  template <class V>
  MHC_HD static V pre(math::vec<V, scores_per_row> const& s, T const* alpha, T const* bias, int i) {
    return math::sigmoid<V>(V(alpha[0]) * s[i] + V(bias[i]));
  }
  template <class V>
  MHC_HD static V post(math::vec<V, scores_per_row> const& s, T const* alpha, T const* bias, int i) {
    return math::sigmoid<V>(V(alpha[1]) * s[N + i] + V(bias[N + i]));
  }
  template <class V>
  MHC_HD static math::vec<V, logits> res(math::vec<V, scores_per_row> const& s, T const* alpha, T const* bias) {
    math::vec<V, logits> z;
    MHC_UNROLL for (int k = 0; k < logits; ++k) z[k] = V(alpha[2]) * s[2 * N + k] + V(bias[2 * N + k]);
    return z;
  }
};

/// The learned collapse of N streams at the end of a network: with s = φ x⃗ / rms(x⃗), H_pre = σ(α s + b) + pre_epsilon.
/// Parameters: phi (N, N·C), alpha (1), bias (N).
///
/// @see mhc::contract
template <scalar T, int N>
  requires stream_count<N>
struct head {
  std::ptrdiff_t channels;
  T norm_epsilon = T(1e-20);
  T pre_epsilon = 0;

  using element = T;
  static constexpr int streams = N, rows = 1, scores_per_row = N, alphas = 1, outputs = N;

  template <class V>
  MHC_HD math::vec<V, N> gate(math::vec<V, N> const& s, T const* alpha, T const* bias) const {
    math::vec<V, N> h;
    MHC_UNROLL for (int i = 0; i < N; ++i) h[i] = math::sigmoid<V>(V(alpha[0]) * s[i] + V(bias[i])) + V(pre_epsilon);
    return h;
  }

  template <class V>
  MHC_HD gate_derivative<V, head> gate_vjp(math::vec<V, N> const& s, T const* alpha, T const* bias,
                                           math::vec<V, N> const& gradient) const {
    gate_derivative<V, head> d;
    d.alpha = math::filled<1>(V(T(0)));
    MHC_UNROLL for (int i = 0; i < N; ++i) {
      V const y = math::sigmoid<V>(V(alpha[0]) * s[i] + V(bias[i]));
      d.h_pre[i] = y + V(pre_epsilon);
      d.bias[i] = gradient[i] * math::sigmoid_derivative(y);
      d.scores[i] = V(alpha[0]) * d.bias[i];
      d.alpha[0] = d.alpha[0] + s[i] * d.bias[i];
    }
    return d;
  }
};

/// A kind that yields nothing but H_pre: `head`.
template <class Kind>
concept head_kind = connection_kind<Kind> && Kind::outputs == Kind::streams;

/// A kind whose φ is read as bfloat16 or half, and is otherwise the same: products with φ are taken and summed in float, as
/// if it had been converted before; its gradient is of float. `with_phi<bfloat16, connection<float, 4, P>>{{.channels = C}}`.
template <element F, connection_kind Kind>
  requires(detail::is_short_v<F> && std::same_as<typename Kind::element, float> && !has_phi_element<Kind>)
struct with_phi : Kind {
  using phi_element = F;
  using kind = Kind;
};

/// A kind whose products with φ `cuda::policy` may take of 11 significant bits of either factor (tf32), where it would take
/// all of 24: a third of the products. Of 16 bits of φ beside streams of bfloat16, whose own bits are all kept: two thirds.
/// Gradients of x and φ are taken of all bits, and few tokens, in one launch, are too; so is everything on other policies.
/// `with_tf32<connection<float, 4, P>>{{.channels = C}}`.
template <connection_kind Kind>
  requires(std::same_as<typename Kind::element, float> && !has_phi_element<Kind>)
struct with_tf32 : Kind {
  static constexpr bool tf32 = true;
};

/// Whether it is such a kind.
template <class Kind>
inline constexpr bool takes_tf32 = requires { Kind::tf32; };

/// The parameters of `connection<T, N, P>`; T may be const.
template <class T, int N, class P>
using connection_parameters = parameters_of<connection<std::remove_const_t<T>, N, P>, T>;

/// The parameters of `hyper_connection<T, N>`; T may be const.
template <class T, int N>
using hyper_connection_parameters = parameters_of<hyper_connection<std::remove_const_t<T>, N>, T>;

/// The parameters of `head<T, N>`; T may be const.
template <class T, int N>
using head_parameters = parameters_of<head<std::remove_const_t<T>, N>, T>;

namespace detail {

/// Throws unless the kind's own fields are in range and fit x.
template <class Kind, class S, int N>
void check_connection(char const* operation, Kind const& kind, stream_view<S, N> x) {
  static_assert(std::same_as<coefficient_t<S>, typename Kind::element>,
                "mhc: a connection is of what its streams are computed in: of float for streams of bfloat16, half or "
                "float, of double for streams of double");
  if (kind.channels != x.channels) {
    throw shape_error(std::string(operation) + ": x has " + std::to_string(x.channels) + " channels, expected " +
                      std::to_string(kind.channels) + " as in connection.channels");
  }
  if constexpr (requires { kind.projection; }) validate(operation, kind.projection);
}

}  // namespace detail
}  // namespace mhc

MHC_END_LANES
