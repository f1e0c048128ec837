// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <stdexcept>
#include <type_traits>

namespace demo {

/// f(number of streams as a compile-time constant), for 1, 2, 4 and so on up to `Most`.
template <int Most, class F>
auto with_streams(std::ptrdiff_t streams, F const& f) {
  if constexpr (Most > 1) {
    if (streams < Most) return with_streams<Most / 2>(streams, f);
  }
  if (streams != Most) throw std::invalid_argument("this number of streams is not compiled in");
  return f(std::integral_constant<int, Most>{});
}

}  // namespace demo
