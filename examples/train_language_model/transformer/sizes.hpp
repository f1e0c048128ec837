// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>

namespace demo {

inline std::size_t unsigned_size(std::ptrdiff_t size) { return static_cast<std::size_t>(size); }

template <class Container>
std::ptrdiff_t signed_size(Container const& values) {
  return static_cast<std::ptrdiff_t>(values.size());
}

/// Rounded up to whole cache lines, so that pieces written by different threads share none.
constexpr std::ptrdiff_t padded(std::ptrdiff_t count) { return (count + 15) / 16 * 16; }

}  // namespace demo
