// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/error.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/parameters.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace mhc::detail {

/// What the backward kernels of gates hand on to each other, in the policy's workspace. Token after token: `weight` of
/// the rows of φ in the gradient of x, `norm` of x itself, `h_pre` and, where u is the output, its gradient. Score after
/// score, for the sums over all tokens: the gradients of bias and alpha. `partial`: that of φ, a split of the rows each.
template <class Kind, class T = typename Kind::element>
struct gates_workspace {
  static constexpr int S = scores_of<Kind>, N = Kind::streams;

  std::ptrdiff_t tokens, phi;
  T* base;

  gates_workspace(Kind const& kind, std::ptrdiff_t batch, T* at) : tokens(batch), phi(phi_size(kind)), base(at) {}

  /// How many parts the sum over rows is cut into: by their number alone, so that its order is always the same.
  std::ptrdiff_t splits() const {
    std::ptrdiff_t const wanted = (tokens * Kind::rows + 255) / 256;
    return wanted < 1 ? 1 : wanted > 16 ? 16 : wanted;
  }
  T* weight() const { return base; }
  T* norm() const { return weight() + padded(tokens * S); }
  T* h_pre() const { return norm() + padded(tokens * Kind::rows); }
  T* h_pre_gradient() const { return h_pre() + padded(tokens * N); }
  T* columns() const { return h_pre_gradient() + padded(tokens * N); }
  T* partial() const { return columns() + padded(tokens * (S + Kind::alphas)); }
  std::size_t bytes() const {
    std::ptrdiff_t const elements = padded(tokens * S) + padded(tokens * Kind::rows) + 2 * padded(tokens * N) +
                                    padded(tokens * (S + Kind::alphas)) + padded(splits() * phi);
    return static_cast<std::size_t>(elements) * sizeof(T);
  }

 private:
  static constexpr std::ptrdiff_t padded(std::ptrdiff_t elements) { return (elements + 15) / 16 * 16; }
};

}  // namespace mhc::detail

namespace mhc::cuda {

/// Bytes that `policy.workspace` needs for `coefficients_vjp`, `pre_vjp` or the learned `contract_vjp` of so many
/// tokens. Every other operation needs none.
template <connection_kind Kind>
std::size_t workspace_bytes(Kind const& connection, std::ptrdiff_t tokens) {
  return detail::gates_workspace<Kind>(connection, tokens, nullptr).bytes();
}

}  // namespace mhc::cuda

namespace mhc::detail {

template <class Kind, class T>
gates_workspace<Kind, T> workspace_of(cuda::policy const& where, char const* operation, Kind const& kind,
                                      std::ptrdiff_t tokens) {
  gates_workspace<Kind, T> const memory(kind, tokens, static_cast<T*>(where.workspace));
  if (where.workspace_bytes < memory.bytes()) {
    throw shape_error(std::string(operation) + ": policy.workspace has " + std::to_string(where.workspace_bytes) +
                      " bytes, expected " + std::to_string(memory.bytes()) + " (mhc::cuda::workspace_bytes)");
  }
  if (where.workspace == nullptr || reinterpret_cast<std::uintptr_t>(where.workspace) % 16 != 0) {
    throw shape_error(std::string(operation) +
                      ": policy.workspace is null or misaligned, expected a multiple of 16 bytes");
  }
  require_device_memory(operation, "policy.workspace", where.workspace);
  return memory;
}

}  // namespace mhc::detail
