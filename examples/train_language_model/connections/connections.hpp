// SPDX-License-Identifier: MIT
#pragma once

#include "../transformer/connected_stack.hpp"
#include "../transformer/connection_settings.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace demo {

using connect_function = std::unique_ptr<connected_stack<float>>(std::ptrdiff_t streams,
                                                                 connection_settings const& settings);

/// A kind of residual connection, as the command line and the report know it.
struct connection_kind {
  char const* name;
  char const* title;    ///< before the number of streams in the report, or empty
  char const* meaning;  ///< after it
  char const* colour;
  std::ptrdiff_t most_streams;
  connect_function* connect;
  connect_function* connect_on_device;  ///< null in a program that was built without nvcc or cuBLAS
};

std::span<connection_kind const> connection_kinds();

/// @throws std::invalid_argument  there is none of this name
connection_kind const& connection_named(std::string_view name);

/// "residual, hc, …"
std::string connection_names();

// Each in a file of its own, which is quicker to compile: by the host's compiler and, where there is one, by nvcc.
namespace on_host {
connect_function connect_residual, connect_hc, connect_mhc, connect_mhc_exact, connect_identity, connect_unconstrained,
    connect_permutation, connect_kronecker, connect_circulant, connect_orthostochastic, connect_transport,
    connect_orthogonal, connect_euclidean;
}
namespace on_device {
connect_function connect_residual, connect_hc, connect_mhc, connect_mhc_exact, connect_identity, connect_unconstrained,
    connect_permutation, connect_kronecker, connect_circulant, connect_orthostochastic, connect_transport,
    connect_orthogonal, connect_euclidean;
}

}  // namespace demo
