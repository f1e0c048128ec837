// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>

#include <limits>
#include <type_traits>

/// @file
/// What the maths asks of a lane type V besides + − × ÷ and exp, log, sqrt, tanh. V is a number, or a SIMD register
/// with one independent problem per lane; a comparison then gives a mask, and a branch becomes a selection.

MHC_BEGIN_LANES

namespace mhc::math {

/// Customisation point: SIMD registers specialise it in <mhc/ops/lanes.hpp>, complex numbers (compared by their
/// real parts) in <mhc/interop/complex.hpp>.
template <class V>
struct lane {
  using scalar = V;
  using mask = bool;
  MHC_HD static mask less(V const& a, V const& b) { return a < b; }
  MHC_HD static V select(mask m, V const& a, V const& b) { return m ? a : b; }
  MHC_HD static bool any(mask m) { return m; }

  static constexpr int count = 1;
  MHC_HD static scalar get(V const& v, int) { return v; }
  MHC_HD static void set(V& v, int, scalar const& value) { v = value; }
};

/// The number type behind the lanes.
template <class V>
using scalar_of = typename lane<V>::scalar;
template <class V>
using mask_of = typename lane<V>::mask;

template <class V>
inline constexpr scalar_of<V> epsilon = std::numeric_limits<scalar_of<V>>::epsilon();
template <class V>
inline constexpr scalar_of<V> smallest = std::numeric_limits<scalar_of<V>>::min();
template <class V>
inline constexpr scalar_of<V> largest = std::numeric_limits<scalar_of<V>>::max();

/// Logits whose spread is at most this stay in the linear domain: the scalings of Sinkhorn's iteration then
/// stay below exp(2 * spread), far from overflow and underflow (40 in float, 340 in double).
template <class V>
inline constexpr scalar_of<V> linear_range =
    static_cast<scalar_of<V>>(std::numeric_limits<scalar_of<V>>::max_exponent10 >= 300 ? 340 : 40);

template <class V>
MHC_HD inline mask_of<V> less(V const& a, V const& b) {
  return lane<V>::less(a, b);
}
template <class V>
MHC_HD inline V select(mask_of<V> const& m, V const& a, V const& b) {
  return lane<V>::select(m, a, b);
}
/// a b + c, in one rounding where that is as fast. `a` may be one register where V is several, each of which it multiplies.
/// On the device always in one: where c is a product too, which of the two it is that is not rounded is not the compiler's to say.
template <class V, class A = V>
MHC_HD inline V multiply_add(std::type_identity_t<A> const& a, V const& b, V const& c) {
  if constexpr (requires { lane<V>::multiply_add(a, b, c); })
    return lane<V>::multiply_add(a, b, c);
  else
#if defined(__CUDA_ARCH__)
    return fma(a, b, c);
#else
    return a * b + c;
#endif
}
/// a. Where g++ would copy it in pieces, from memory to memory, and then wait for the pieces, it goes through a register.
template <class V>
MHC_HD inline V loaded(V const& a) {
  if constexpr (requires { lane<V>::loaded(a); })
    return lane<V>::loaded(a);
  else
    return a;
}
template <class V>
MHC_HD inline V maximum(V const& a, V const& b) {
  if constexpr (requires { lane<V>::maximum(a, b); })
    return lane<V>::maximum(a, b);
  else
    return lane<V>::select(lane<V>::less(a, b), b, a);
}
template <class V>
MHC_HD inline V minimum(V const& a, V const& b) {
  if constexpr (requires { lane<V>::minimum(a, b); })
    return lane<V>::minimum(a, b);
  else
    return lane<V>::select(lane<V>::less(b, a), b, a);
}
template <class V>
MHC_HD inline V magnitude(V const& a) {
  return maximum<V>(a, -a);
}

/// f(), for what few calls need: where the compiler would make room for it in every one, it is kept out of their way.
template <class V, class F>
MHC_RARELY MHC_HD inline auto rarely(F const& f) {
  if constexpr (requires { lane<V>::rarely(f); })
    return lane<V>::rarely(f);
  else
    return f();
}

/// a / b, for b whose reciprocal is a normal number, to 1.5 ulp where that is faster. On a device a division of floats is a
/// dozen instructions and a branch, which the chain of Sinkhorn's iteration would wait for; with AVX-512 it is one that
/// takes Intel's processors as long as 20 to 30 multiplications, and AMD's 6. An estimate of the reciprocal is one
/// instruction, a step or two of Newton's method make it as good as rounded, and the product rounds once more.
template <class V>
MHC_HD inline V quotient(V const& a, V const& b) {
#if defined(__CUDA_ARCH__)
  if constexpr (std::is_same_v<V, float>) {
    float r;
    asm("rcp.approx.ftz.f32 %0, %1;" : "=f"(r) : "f"(b));
    return a * fmaf(r, fmaf(-b, r, 1.0F), r);
  }
#endif
  if constexpr (requires { lane<V>::quotient(a, b); })
    return lane<V>::quotient(a, b);
  else
    return a / b;
}

}  // namespace mhc::math

MHC_END_LANES
