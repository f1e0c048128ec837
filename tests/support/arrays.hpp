// SPDX-License-Identifier: MIT
#pragma once

// Memory for tests: random inputs, and outputs that notice what is not written and what is written beside them.

#include "support/catch.hpp"

#include <mhc/core/views.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <type_traits>
#include <vector>

namespace mhc::test {

template <class T>
inline constexpr T not_a_number = std::numeric_limits<T>::quiet_NaN();
template <class T>
inline constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T>
inline constexpr T eps = std::numeric_limits<T>::epsilon();

template <>
inline constexpr bfloat16 not_a_number<bfloat16>{not_a_number<float>};
template <>
inline constexpr half not_a_number<half>{not_a_number<float>};

/// What rounding to S changes a number by at most, relative to it: nothing for what is computed in.
template <class S>
inline constexpr long double rounding = 0;
template <>
inline constexpr long double rounding<bfloat16> = 0x1p-8L;
template <>
inline constexpr long double rounding<half> = 0x1p-11L;

/// An array filled with NaN, so that an element which is not written shows; aligned for its elements and for no vector
/// register; between guards that are checked when it goes.
template <class T>
class guarded {
 public:
  explicit guarded(std::ptrdiff_t count, T fill = not_a_number<T>)
      : count_(count), memory_(static_cast<std::size_t>(count) + 2 * margin, guard) {
    auto const address = reinterpret_cast<std::uintptr_t>(memory_.data() + margin / 2);
    first_ = margin / 2 + (64 - address % 64) / sizeof(T) + 1;
    std::fill(begin(), end(), fill);
  }
  explicit guarded(std::vector<T> const& values) : guarded(static_cast<std::ptrdiff_t>(values.size())) {
    std::copy(values.begin(), values.end(), begin());
  }
  guarded(guarded const& other) : guarded(other.values()) {}
  guarded& operator=(guarded const&) = delete;
  ~guarded() {
    bool intact = true;
    for (std::size_t k = 0; k < memory_.size(); ++k)
      if (k < first_ || k >= first_ + static_cast<std::size_t>(count_)) intact = intact && memory_[k] == guard;
    if (!intact) FAIL_CHECK("something was written beside an array of " << count_ << " elements");
  }

  T* data() { return memory_.data() + first_; }
  T const* data() const { return memory_.data() + first_; }
  T* begin() { return data(); }
  T* end() { return data() + count_; }
  T const* begin() const { return data(); }
  T const* end() const { return data() + count_; }
  std::ptrdiff_t size() const { return count_; }
  T& operator[](std::ptrdiff_t k) { return data()[k]; }
  T const& operator[](std::ptrdiff_t k) const { return data()[k]; }
  std::vector<T> values() const { return {begin(), end()}; }

 private:
  static constexpr std::size_t margin = 256 / sizeof(T) + 4;
  static constexpr T guard = T(-77.25);
  std::ptrdiff_t count_;
  std::vector<T> memory_;
  std::size_t first_ = 0;
};

/// Numbers as elements of S, which hold them.
template <class S, class U>
guarded<S> stored(std::vector<U> const& a) {
  std::vector<S> s;
  s.reserve(a.size());
  for (auto const& x : a) s.push_back(S(static_cast<coefficient_t<S>>(x)));
  return guarded<S>(s);
}

/// Each rounded to S, as what it was.
template <class S, class T>
std::vector<T> rounded(std::vector<T> const& a) {
  auto const s = stored<S>(a);
  return {s.begin(), s.end()};
}

/// N(0, σ²), the same on every run.
template <class T>
std::vector<T> gaussian(std::ptrdiff_t count, double sigma = 1, unsigned seed = 1) {
  std::mt19937 engine{seed};
  std::normal_distribution<double> draw{0, 1};
  using number = std::conditional_t<mhc::element<T>, coefficient_t<T>, T>;
  std::vector<T> a(static_cast<std::size_t>(count));
  for (auto& x : a) x = T(static_cast<number>(sigma * draw(engine)));
  return a;
}

/// In long double, for the reference.
template <class Range>
std::vector<long double> widen(Range const& a) {
  return {a.begin(), a.end()};
}
template <class Range>
std::vector<long double> widen(Range const& a, std::ptrdiff_t from, std::ptrdiff_t count) {
  return {a.begin() + from, a.begin() + from + count};
}

template <class Range>
long double largest(Range const& a) {
  long double most = 0;
  for (auto const& x : a) most = std::max(most, std::abs(static_cast<long double>(x)));
  return most;
}

/// max |a − e|; infinite where one is NaN or the sizes differ.
template <class A, class E>
long double error(A const& actual, E const& expected) {
  if (static_cast<std::size_t>(actual.end() - actual.begin()) !=
      static_cast<std::size_t>(expected.end() - expected.begin()))
    return infinity<long double>;
  long double worst = 0;
  auto e = expected.begin();
  for (auto a = actual.begin(); a != actual.end(); ++a, ++e) {
    long double const d = std::abs(static_cast<long double>(*a) - static_cast<long double>(*e));
    if (!(d <= worst)) worst = std::isnan(d) ? infinity<long double> : d;
  }
  return worst;
}

/// The same beyond what rounding the expected number to S may change.
template <class S, class A, class E>
long double error_beyond_rounding(A const& actual, E const& expected) {
  std::vector<long double> e;
  auto a = actual.begin();
  for (auto const& x : expected) {
    long double const d = a == actual.end() ? 0 : static_cast<long double>(*a++) - x, may = rounding<S> * std::abs(x);
    e.push_back(std::abs(d) <= may ? x + d : x + std::copysign(may, d));
  }
  return error(actual, e);
}

/// The same relative to the largest expected magnitude.
template <class A, class E>
long double relative_error(A const& actual, E const& expected) {
  long double const scale = largest(expected);
  return scale > 0 ? error(actual, expected) / scale : error(actual, expected);
}

/// The same bits, NaN included.
template <class A, class B>
bool same_bits(A const& a, B const& b) {
  using T = std::decay_t<decltype(*a.begin())>;
  constexpr std::size_t bytes = std::is_same_v<T, long double> ? 10 : sizeof(T);  // the rest of it is padding
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](T const& x, T const& y) { return std::memcmp(&x, &y, bytes) == 0; });
}

template <class Range>
bool all_nan(Range const& a) {
  return std::all_of(a.begin(), a.end(), [](auto x) { return std::isnan(x); });
}
template <class Range>
bool any_nan(Range const& a) {
  return std::any_of(a.begin(), a.end(), [](auto x) { return std::isnan(x); });
}

}  // namespace mhc::test
