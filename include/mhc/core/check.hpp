// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/error.hpp>
#include <mhc/core/views.hpp>

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

/// @file
/// The one check that every public operation runs before it writes anything. Allocates only to throw.

namespace mhc::detail {

/// One argument of an operation, as far as it can be wrong.
struct argument {
  std::string_view name;
  void const* data;
  std::ptrdiff_t batch;     ///< tokens or matrices; `not_batched` for a parameter array
  std::ptrdiff_t row;       ///< elements per token, without the channels
  std::ptrdiff_t channels;  ///< `no_channels` where the argument has none
  std::size_t element;      ///< bytes of one element
  std::size_t alignment;    ///< of the element type
  bool written = false;
  std::string_view alias = {};  ///< the argument that may be exactly this memory

  static constexpr std::ptrdiff_t not_batched = PTRDIFF_MIN;  // not −1, which a view can have by mistake
  static constexpr std::ptrdiff_t no_channels = PTRDIFF_MIN;

  constexpr argument in_place_of(std::string_view other) const {
    argument copy = *this;
    copy.alias = other;
    return copy;
  }
  /// Of an argument that may be left out.
  constexpr argument if_given() const {
    if (data != nullptr || batch != 0) return *this;
    argument none = *this;
    none.batch = not_batched;
    none.row = 0;
    return none;
  }
  constexpr std::size_t bytes() const {
    return static_cast<std::size_t>((batch == not_batched ? 1 : batch) * row *
                                    (channels == no_channels ? 1 : channels)) *
           element;
  }
};

template <class T, int K>
constexpr argument reads(std::string_view name, vector_view<T, K> const& v) {
  return {name, v.data, v.size, K, argument::no_channels, sizeof(T), alignof(T)};
}
template <class T, int N>
constexpr argument reads(std::string_view name, batch_view<T, N> const& v) {
  return {name, v.data, v.size, N * N, argument::no_channels, sizeof(T), alignof(T)};
}
template <class T, int N>
constexpr argument reads(std::string_view name, stream_view<T, N> const& v) {
  return {name, v.data, v.size, N, v.channels, sizeof(T), alignof(T)};
}
template <class T>
constexpr argument reads(std::string_view name, token_view<T> const& v) {
  return {name, v.data, v.size, 1, v.channels, sizeof(T), alignof(T)};
}
template <class T>
constexpr argument reads(std::string_view name, matrix_view<T> const& m) {
  auto const n = static_cast<std::ptrdiff_t>(m.order);
  return {name, m.data, argument::not_batched, n * n, argument::no_channels, sizeof(T), alignof(T)};
}
template <class T>
constexpr argument reads(std::string_view name, T* data, std::ptrdiff_t count) {
  return {name, data, argument::not_batched, count, argument::no_channels, sizeof(T), alignof(T)};
}
template <class... Args>
constexpr argument writes(std::string_view name, Args const&... args) {
  argument a = reads(name, args...);
  a.written = true;
  return a;
}

[[noreturn]] inline void refuse(std::string_view operation, std::string_view what) {
  throw shape_error(std::string(operation) + ": " + std::string(what));
}

inline void check_extent(std::string_view operation, argument const& a, std::ptrdiff_t given, std::ptrdiff_t expected,
                         char const* unit) {
  if (given != expected) {
    refuse(operation, std::string(a.name) + " has " + std::to_string(given) + " " + unit + ", expected " +
                          std::to_string(expected));
  }
}

/// Of a matrix whose order is known when the program runs.
inline void check_order(std::string_view operation, std::string_view name, int order) {
  if (order >= 1) return;
  refuse(operation, std::string(name) + " has order " + std::to_string(order) + ", expected at least 1");
}
inline void check_order(std::string_view operation, std::string_view name, int order, int expected) {
  if (order == expected) return;
  refuse(operation,
         std::string(name) + " has order " + std::to_string(order) + ", expected " + std::to_string(expected));
}

inline void check_memory(std::string_view operation, argument const& a) {
  if (a.bytes() == 0) return;
  auto const address = reinterpret_cast<std::uintptr_t>(a.data);
  if (address == 0) {
    refuse(operation,
           std::string(a.name) + " is null, expected " + std::to_string(a.bytes() / a.element) + " elements");
  }
  if (address % a.alignment != 0) {
    refuse(operation, std::string(a.name) + " is misaligned, expected a multiple of " + std::to_string(a.alignment) +
                          " bytes (the alignment of its element type)");
  }
}

inline void check_overlap(std::string_view operation, argument const& written, argument const& other) {
  auto const a = reinterpret_cast<std::uintptr_t>(written.data);
  auto const b = reinterpret_cast<std::uintptr_t>(other.data);
  if (written.bytes() == 0 || other.bytes() == 0) return;
  if (a + written.bytes() <= b || b + other.bytes() <= a) return;
  bool const in_place = a == b && written.bytes() == other.bytes() && written.alias == other.name;
  if (in_place) return;
  refuse(operation,
         std::string(written.name) + " overlaps " + std::string(other.name) + ", expected memory of its own");
}

/// Throws shape_error unless all batches agree with the first batched argument's, all channels with the
/// first such argument's, and no written buffer is null, misaligned or shared.
inline void check(std::string_view operation, std::span<argument const> arguments) {
  std::ptrdiff_t batch = argument::not_batched;
  std::ptrdiff_t channels = argument::no_channels;
  for (auto const& a : arguments) {
    if (a.batch != argument::not_batched) {
      if (batch == argument::not_batched) batch = a.batch;
      if (a.batch < 0) refuse(operation, std::string(a.name) + " has a negative size " + std::to_string(a.batch));
      check_extent(operation, a, a.batch, batch, "tokens or matrices");
    }
    if (a.channels != argument::no_channels) {
      if (channels == argument::no_channels) channels = a.channels;
      check_extent(operation, a, a.channels, channels, "channels");
      if (a.channels < 1) refuse(operation, std::string(a.name) + " has no channels, expected at least 1");
    }
  }
  for (auto const& a : arguments) check_memory(operation, a);
  for (auto const& a : arguments) {
    if (!a.written) continue;
    for (auto const& b : arguments)
      if (&a != &b) check_overlap(operation, a, b);
  }
}

inline void check(std::string_view operation, std::initializer_list<argument> arguments) {
  check(operation, std::span<argument const>(arguments.begin(), arguments.size()));
}

}  // namespace mhc::detail
