// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/error.hpp>
#include <mhc/math/softmax.hpp>
#include <mhc/math/tile.hpp>

#include <string>

MHC_BEGIN_LANES

namespace mhc {

/// A mixture of the N cyclic shifts: P = Σ_k c_k Shift^k with c = (1−γ) e_0 + γ softmax(z), where Shift has a 1 at
/// (i, i+1 mod N); so P_ij = c_{(j−i) mod N}. All such P commute. γ bounds how far P is from the identity.
///
/// Shapes  logits (B, N).
/// Result  doubly stochastic to rounding.
/// Range   any finite logits.
///
/// @see C-mHC
struct circulant {
  double gamma = 1;  ///< share of the mixture, 0 to 1

  template <int N>
  static constexpr int logits = N;

  template <int N, class V>
  MHC_HD math::tile<V, N> apply(math::vec<V, N> const& z) const {
    auto c = scaled(math::softmax(z));
    c[0] = (V(1) - share_of_mixture<V>()) + c[0];
    return from_first_row(c);
  }

  template <class V, int N>
  MHC_HD math::vec<V, N> vjp(math::vec<V, N> const& z, math::tile<V, N> const&,
                             math::tile<V, N> const& plan_gradient) const {
    math::vec<V, N> g;
    MHC_UNROLL for (int k = 0; k < N; ++k) {
      g[k] = plan_gradient.at[0][k];
      MHC_UNROLL for (int i = 1; i < N; ++i) g[k] = g[k] + plan_gradient.at[i][(i + k) % N];
    }
    return scaled(math::softmax_derivative(math::softmax(z), g));
  }

  template <class V, int N>
  MHC_HD math::tile<V, N> jvp(math::vec<V, N> const& z, math::tile<V, N> const&, math::vec<V, N> const& tangent) const {
    return from_first_row(scaled(math::softmax_derivative(math::softmax(z), tangent)));
  }

  /// Logits that start near the identity, the further the larger `diagonal` is: see mhc::initialise.
  template <int N, class T>
  static void start(T diagonal, T* z) {
    for (int k = 0; k < N; ++k) z[k] = k == 0 ? T(0) : -diagonal;
  }

  void validate(char const* operation) const {
    if (!(gamma >= 0 && gamma <= 1)) {
      throw option_error(std::string(operation) + ": circulant.gamma is " + std::to_string(gamma) +
                         ", expected 0 to 1");
    }
  }

 private:
  template <class V>
  MHC_HD V share_of_mixture() const {
    return V(static_cast<math::scalar_of<V>>(gamma));
  }

  template <class V, int N>
  MHC_HD math::vec<V, N> scaled(math::vec<V, N> c) const {
    MHC_UNROLL for (int k = 0; k < N; ++k) c[k] = share_of_mixture<V>() * c[k];
    return c;
  }

  template <class V, int N>
  MHC_HD static math::tile<V, N> from_first_row(math::vec<V, N> const& c) {
    math::tile<V, N> p;
    MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) p.at[i][j] = c[(j - i + N) % N];
    return p;
  }
};

}  // namespace mhc

MHC_END_LANES
