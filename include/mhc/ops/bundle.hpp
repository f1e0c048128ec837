// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/math/lane.hpp>
#include <mhc/ops/lanes.hpp>

#include <cmath>
#include <cstddef>
#include <type_traits>
#include <utility>

/// @file
/// Several registers as one lane type. A chain of dependent steps, as an iteration is, leaves most of a core idle; with
/// G registers in hand there are G chains to go on with, and the maths need not know.

MHC_BEGIN_LANES

namespace mhc::detail {

template <class V, int G>
struct bundle {
  V at[G];
  static constexpr std::size_t size = G * V::size;

  bundle() = default;
  MHC_ALWAYS_INLINE explicit bundle(math::scalar_of<V> x)
      : bundle(each([&](auto) MHC_ALWAYS_INLINE { return V(x); })) {}

  /// f(0) … f(G − 1), index_sequence rather than a loop: g++ keeps only that out of memory.
  template <class F>
  MHC_ALWAYS_INLINE static bundle each(F const& f) {
    return of(f, std::make_integer_sequence<int, G>{});
  }

  MHC_ALWAYS_INLINE friend bundle operator+(bundle const& a, bundle const& b) {
    return each([&](auto k) MHC_ALWAYS_INLINE { return a.at[k] + b.at[k]; });
  }
  MHC_ALWAYS_INLINE friend bundle operator-(bundle const& a, bundle const& b) {
    return each([&](auto k) MHC_ALWAYS_INLINE { return a.at[k] - b.at[k]; });
  }
  MHC_ALWAYS_INLINE friend bundle operator*(bundle const& a, bundle const& b) {
    return each([&](auto k) MHC_ALWAYS_INLINE { return a.at[k] * b.at[k]; });
  }
  MHC_ALWAYS_INLINE friend bundle operator*(V const& a, bundle const& b) {
    return each([&](auto k) MHC_ALWAYS_INLINE { return a * b.at[k]; });
  }
  MHC_ALWAYS_INLINE friend bundle operator/(bundle const& a, bundle const& b) {
    return each([&](auto k) MHC_ALWAYS_INLINE { return a.at[k] / b.at[k]; });
  }
  MHC_ALWAYS_INLINE friend bundle operator-(bundle const& a) {
    return each([&](auto k) MHC_ALWAYS_INLINE { return -a.at[k]; });
  }
  MHC_ALWAYS_INLINE friend bundle exp(bundle const& a) {
    using std::exp;
    return each([&](auto k) MHC_ALWAYS_INLINE { return exp(a.at[k]); });
  }
  MHC_ALWAYS_INLINE friend bundle log(bundle const& a) {
    using std::log;
    return each([&](auto k) MHC_ALWAYS_INLINE { return log(a.at[k]); });
  }
  MHC_ALWAYS_INLINE friend bundle sqrt(bundle const& a) {
    using std::sqrt;
    return each([&](auto k) MHC_ALWAYS_INLINE { return sqrt(a.at[k]); });
  }
  MHC_ALWAYS_INLINE friend bundle tanh(bundle const& a) {
    using std::tanh;
    return each([&](auto k) MHC_ALWAYS_INLINE { return tanh(a.at[k]); });
  }

 private:
  template <class F, int... K>
  MHC_ALWAYS_INLINE static bundle of(F const& f, std::integer_sequence<int, K...>) {
    bundle b;
    ((b.at[K] = f(std::integral_constant<int, K>{})), ...);
    return b;
  }
};

/// What registers a lane type is made of.
template <class V>
struct registers_of {
  using type = V;
  static constexpr int count = 1;
  static V& at(V& v, int) { return v; }
  static V const& at(V const& v, int) { return v; }
};
template <class V, int G>
struct registers_of<bundle<V, G>> {
  using type = V;
  static constexpr int count = G;
  static V& at(bundle<V, G>& v, int g) { return v.at[g]; }
  static V const& at(bundle<V, G> const& v, int g) { return v.at[g]; }
};

/// Lanes for an iteration on matrices of order N: two registers, as far as there are registers for it, or as many as are
/// wanted.
template <class V, int N, int Wanted = 2>
using iteration_lanes = std::conditional_t<N <= 4, bundle<V, Wanted>, V>;

}  // namespace mhc::detail

namespace mhc::math {

template <class V, int G>
struct lane<detail::bundle<V, G>> {
  using bundle = detail::bundle<V, G>;
  using scalar = scalar_of<V>;
  struct mask {
    mask_of<V> at[G];
  };
  MHC_ALWAYS_INLINE static mask less(bundle const& a, bundle const& b) {
    mask m;
    MHC_UNROLL for (int k = 0; k < G; ++k) m.at[k] = lane<V>::less(a.at[k], b.at[k]);
    return m;
  }
  MHC_ALWAYS_INLINE static bundle select(mask const& m, bundle const& a, bundle const& b) {
    return bundle::each([&](auto k) MHC_ALWAYS_INLINE { return lane<V>::select(m.at[k], a.at[k], b.at[k]); });
  }
  MHC_ALWAYS_INLINE static bool any(mask const& m) {
    auto some = m.at[0];
    MHC_UNROLL for (int k = 1; k < G; ++k) some = some | m.at[k];
    return lane<V>::any(some);
  }
  MHC_ALWAYS_INLINE static bundle loaded(bundle const& a) {
    return bundle::each([&](auto k) MHC_ALWAYS_INLINE { return math::loaded(a.at[k]); });
  }
  MHC_ALWAYS_INLINE static bundle maximum(bundle const& a, bundle const& b) {
    return bundle::each([&](auto k) MHC_ALWAYS_INLINE { return math::maximum(a.at[k], b.at[k]); });
  }
  MHC_ALWAYS_INLINE static bundle minimum(bundle const& a, bundle const& b) {
    return bundle::each([&](auto k) MHC_ALWAYS_INLINE { return math::minimum(a.at[k], b.at[k]); });
  }
  MHC_ALWAYS_INLINE static bundle multiply_add(bundle const& a, bundle const& b, bundle const& c) {
    return bundle::each([&](auto k) MHC_ALWAYS_INLINE { return math::multiply_add(a.at[k], b.at[k], c.at[k]); });
  }
  MHC_ALWAYS_INLINE static bundle multiply_add(V const& a, bundle const& b, bundle const& c) {
    return bundle::each([&](auto k) MHC_ALWAYS_INLINE { return math::multiply_add(a, b.at[k], c.at[k]); });
  }
  MHC_ALWAYS_INLINE static bundle quotient(bundle const& a, bundle const& b) {
    return bundle::each([&](auto k) MHC_ALWAYS_INLINE { return math::quotient(a.at[k], b.at[k]); });
  }
  MHC_ALWAYS_INLINE static bundle scale_moderately(bundle const& a, bundle const& n) {
    return bundle::each([&](auto k) MHC_ALWAYS_INLINE {
      if constexpr (requires { lane<V>::scale_moderately(a.at[0], n.at[0]); })
        return lane<V>::scale_moderately(a.at[k], n.at[k]);
      else
        return lane<V>::scale(a.at[k], n.at[k]);
    });
  }
  template <class F>
    requires requires(F const& f) { lane<V>::rarely(f); }
  static auto rarely(F const& f) {
    return lane<V>::rarely(f);
  }

  static constexpr int count = G * lane<V>::count;
  static scalar get(bundle const& v, int w) { return lane<V>::get(v.at[w / lane<V>::count], w % lane<V>::count); }
  static void set(bundle& v, int w, scalar value) { lane<V>::set(v.at[w / lane<V>::count], w % lane<V>::count, value); }
};

}  // namespace mhc::math

MHC_END_LANES
