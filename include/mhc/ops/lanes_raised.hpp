// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/math/elementary.hpp>
#include <mhc/math/lane.hpp>
#include <mhc/ops/lanes_registers.hpp>
#include <mhc/ops/levels.hpp>

#include <cstddef>

/// @file
/// A register of a level that the translation unit is not compiled for, as a lane type.

MHC_BEGIN_LANES

namespace mhc::detail {

/// A register, whose operations all are functions of `Level`. The destructor is there to be one: with it no call passes
/// or returns such a value in a register, which functions of different levels would disagree about. So a call that was
/// not compiled into its caller is right all the same.
template <class T, class Level>
struct raised {
  using on = registers<T, Level>;
  static constexpr std::size_t size = on::size;
  typename on::type data;

  raised() = default;
  raised(raised const&) = default;
  raised& operator=(raised const&) = default;
  ~raised() {}
  explicit raised(T x) { on::fill(data, x); }

  static raised load_unaligned(T const* p) {
    raised r;
    on::load(r.data, p);
    return r;
  }
  static raised load_aligned(T const* p) { return load_unaligned(p); }
  void store_unaligned(T* p) const { on::store(data, p); }
  void store_aligned(T* p) const { on::store(data, p); }

  friend raised operator+(raised const& a, raised const& b) {
    raised r;
    on::add(r.data, a.data, b.data);
    return r;
  }
  friend raised operator-(raised const& a, raised const& b) {
    raised r;
    on::subtract(r.data, a.data, b.data);
    return r;
  }
  friend raised operator*(raised const& a, raised const& b) {
    raised r;
    on::multiply(r.data, a.data, b.data);
    return r;
  }
  friend raised operator/(raised const& a, raised const& b) {
    raised r;
    on::divide(r.data, a.data, b.data);
    return r;
  }
  friend raised operator-(raised const& a) {
    raised r;
    on::negate(r.data, a.data);
    return r;
  }
  friend raised sqrt(raised const& a) {
    raised r;
    on::square_root(r.data, a.data);
    return r;
  }
  friend raised exp(raised const& a) { return math::exp_by_polynomial(a); }
  friend raised log(raised const& a) { return math::log_by_polynomial(a); }
  friend raised tanh(raised const& a) { return math::tanh_by_polynomial(a); }
};

template <class T, class Level>
struct raised_mask {
  using on = registers<T, Level>;
  typename on::mask data;

  raised_mask() = default;
  raised_mask(raised_mask const&) = default;
  raised_mask& operator=(raised_mask const&) = default;
  ~raised_mask() {}
  explicit raised_mask(bool x) { on::fill_mask(data, x); }

  friend raised_mask operator|(raised_mask const& a, raised_mask const& b) {
    raised_mask r;
    on::either(r.data, a.data, b.data);
    return r;
  }
};

template <class T, class Level>
inline void hold(raised<T, Level>& a) {
  raised<T, Level>::on::hold(a.data);
}

template <class T, class Level>
inline constexpr bool is_raised<raised<T, Level>> = true;

template <class V, class S>
  requires(is_raised<V> && is_short_v<S>)
inline V load_elements(S const* p) {
  V r;
  V::on::load(r.data, p);
  return r;
}
template <class V, class S>
  requires(is_raised<V> && is_short_v<S>)
inline void store_elements(V const& v, S* p) {
  V::on::store(v.data, p);
}

}  // namespace mhc::detail

namespace mhc::math {

template <class T, class Level>
struct lane<detail::raised<T, Level>> {
  using scalar = T;
  using raised = detail::raised<T, Level>;
  using mask = detail::raised_mask<T, Level>;
  using on = detail::registers<T, Level>;

  static mask less(raised const& a, raised const& b) {
    mask m;
    on::less(m.data, a.data, b.data);
    return m;
  }
  static raised select(mask const& m, raised const& a, raised const& b) {
    raised r;
    on::select(r.data, m.data, a.data, b.data);
    return r;
  }
  static bool any(mask const& m) { return on::any(m.data); }
  static raised loaded(raised const& a) {
    raised r;
    r.data.v = a.data.v;
    return r;
  }
  static raised maximum(raised const& a, raised const& b) {
    raised r;
    on::maximum(r.data, a.data, b.data);
    return r;
  }
  static raised minimum(raised const& a, raised const& b) {
    raised r;
    on::minimum(r.data, a.data, b.data);
    return r;
  }
  static raised multiply_add(raised const& a, raised const& b, raised const& c) {
    raised r;
    on::multiply_add(r.data, a.data, b.data, c.data);
    return r;
  }
  static raised quotient(raised const& a, raised const& b)
    requires requires(typename on::type& r) { on::quotient(r, r, r); }
  {
    raised r;
    on::quotient(r.data, a.data, b.data);
    return r;
  }
  static raised scale(raised const& a, raised const& n) {
    raised r;
    on::scale(r.data, a.data, n.data);
    return r;
  }
  static void split(raised const& a, raised& mantissa, raised& exponent) {
    on::split(a.data, mantissa.data, exponent.data);
  }
  template <class F>
  static auto rarely(F const& f) {
    return Level::rarely(f);
  }

  static constexpr int count = static_cast<int>(raised::size);
  static T get(raised const& v, int w) {
    T stage[raised::size];
    v.store_unaligned(stage);
    return stage[w];
  }
  static void set(raised& v, int w, T value) {
    T stage[raised::size];
    v.store_unaligned(stage);
    stage[w] = value;
    v = raised::load_unaligned(stage);
  }
};

}  // namespace mhc::math

MHC_END_LANES
