// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

namespace demo {

/// Where the parts of a language model begin among its parameters; the embedding comes first.
struct parameter_layout {
  std::ptrdiff_t positions;
  std::vector<std::ptrdiff_t> sublayers;
  std::ptrdiff_t head;
  std::ptrdiff_t connections;
  std::ptrdiff_t end;
};

}  // namespace demo
