// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/ops/lanes_avx2.hpp>
#include <mhc/ops/lanes_avx512.hpp>

#include <cstring>

/// @file
/// What `detail::raised` does with registers: the instructions of the level. clang knows vectors without an instruction
/// set, and turns them into instructions only when everything is in the function that has one; what can be said so is,
/// because functions of no level are compiled into each other, and simplified, at any time.

MHC_BEGIN_LANES

namespace mhc::detail {

template <class T, class Level>
struct registers : instructions<T, Level> {
#if defined(__clang__)
  using type = typename instructions<T, Level>::type;
  using instructions<T, Level>::load;
  using instructions<T, Level>::store;

  static void fill(type& r, T x) { r.v = x - decltype(r.v){}; }
  static void load(type& r, T const* p) { std::memcpy(&r.v, p, sizeof(r.v)); }
  static void store(type const& a, T* p) { std::memcpy(p, &a.v, sizeof(a.v)); }
  static void add(type& r, type const& a, type const& b) { r.v = a.v + b.v; }
  static void subtract(type& r, type const& a, type const& b) { r.v = a.v - b.v; }
  static void multiply(type& r, type const& a, type const& b) { r.v = a.v * b.v; }
  static void divide(type& r, type const& a, type const& b) { r.v = a.v / b.v; }
  static void multiply_add(type& r, type const& a, type const& b, type const& c) {
#  pragma clang fp contract(fast)
    r.v = a.v * b.v + c.v;
  }
  static void negate(type& r, type const& a) { r.v = -a.v; }
  static void maximum(type& r, type const& a, type const& b) { r.v = a.v < b.v ? b.v : a.v; }
  static void minimum(type& r, type const& a, type const& b) { r.v = b.v < a.v ? b.v : a.v; }
#endif
};

}  // namespace mhc::detail

MHC_END_LANES
