// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/gates/workspace.cuh>
#include <mhc/ops/parameters.hpp>

#include <cstddef>

/// @file
/// φ of 16 bits, converted once for all tokens: what reads it reads it many times, and as float.

namespace mhc::cuda {

template <class F>
__global__ void __launch_bounds__(256) convert_kernel(F const* from, std::ptrdiff_t size, float* to) {
  std::ptrdiff_t const turn = static_cast<std::ptrdiff_t>(gridDim.x) * blockDim.x;
  for (std::ptrdiff_t e = static_cast<std::ptrdiff_t>(blockIdx.x) * blockDim.x + threadIdx.x; e < size; e += turn)
    to[e] = static_cast<float>(from[e]);
}

/// The same gates with φ in float: the kind, its parameters, and a policy with what is left of the workspace, of which
/// `bytes` are going to be needed.
template <has_phi_element Kind>
struct converted_phi {
  policy where;
  typename Kind::kind const& kind;
  parameters_of<typename Kind::kind, float const> parameters;

  converted_phi(policy const& given, char const* operation, Kind const& with, std::size_t bytes,
                parameters_of<Kind, float const> const& p)
      : where(given), kind(with), parameters{nullptr, p.alpha, p.bias} {
    std::size_t const front = detail::converted_phi_bytes(with);
    if (front == 0) return;
    auto* const phi = static_cast<float*>(detail::workspace_of(given, operation, front + bytes));
    std::ptrdiff_t const size = phi_size(with);
    detail::launch(given, operation, convert_kernel<typename Kind::phi_element>, {detail::block_count(size, 256), 256},
                   p.phi, size, phi);
    parameters.phi = phi;
    where.workspace = static_cast<std::byte*>(given.workspace) + front;
    where.workspace_bytes -= front;
  }
};

}  // namespace mhc::cuda
