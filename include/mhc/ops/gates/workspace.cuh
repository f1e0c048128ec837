// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/error.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/gates/scan.cuh>
#include <mhc/ops/gates/spread_shape.cuh>
#include <mhc/ops/parameters.hpp>

#include <cstddef>
#include <cstdint>
#include <string>

namespace mhc::detail {

/// What the kernels of gates hand on to each other, in the policy's workspace. `scanned`: the sums of the scan, or, when
/// these are used up, the gradient of φ, a split of the rows each. Row after row: `weight`, a weight_row. Token after
/// token: `h_pre`, for gates without weights, and, where u is the output, its gradient. Score after score, for the sums
/// over all tokens: the gradients of bias and alpha.
template <class Kind, class T = typename Kind::element>
struct gates_workspace {
  static constexpr int K = Kind::scores_per_row, S = scores_of<Kind>, N = Kind::streams, P = N / Kind::rows;

  std::ptrdiff_t tokens, rows, length, phi;
  scan_chunks chunks;
  spread_splits splits;
  T* base;

  gates_workspace(Kind const& kind, std::ptrdiff_t batch, T* at)
      : tokens(batch),
        rows(batch * Kind::rows),
        length(row_length(kind)),
        phi(phi_size(kind)),
        chunks(kind.channels, shared_tile<T>::columns, P),
        splits(rows, spread_shape<T, K, P, false>::groups(kind.channels)),
        base(at) {}

  T* scanned() const { return base; }
  T* partial() const { return base; }
  scan_sums<T> sums(bool scans) const { return {scans ? scanned() : nullptr, chunks.count, tokens, length}; }
  T* weight() const { return base + shared_size(); }
  T* h_pre() const { return weight() + weight_size(); }
  T* h_pre_gradient() const { return h_pre() + padded(tokens * N); }
  T* columns() const { return h_pre_gradient() + padded(tokens * N); }
  std::size_t forward_bytes() const { return static_cast<std::size_t>(scan_size()) * sizeof(T); }
  std::size_t bytes() const {
    std::ptrdiff_t const elements =
        shared_size() + weight_size() + 2 * padded(tokens * N) + padded(tokens * (S + Kind::alphas));
    return static_cast<std::size_t>(elements) * sizeof(T);
  }

 private:
  static constexpr std::ptrdiff_t padded(std::ptrdiff_t elements) { return (elements + 15) / 16 * 16; }
  std::ptrdiff_t scan_size() const { return phi > 0 ? padded(chunks.count * rows * scan_columns<K, P>::pitch) : 0; }
  std::ptrdiff_t weight_size() const { return padded(rows * weight_row<T, K, P>::pitch); }
  std::ptrdiff_t shared_size() const {
    std::ptrdiff_t const sums = padded(splits.count * phi);
    return sums > scan_size() ? sums : scan_size();
  }
};

/// In front of all that, where φ has an element of its own: φ as float.
template <class Kind>
std::size_t converted_phi_bytes(Kind const& kind) {
  return has_phi_element<Kind> ? (static_cast<std::size_t>(phi_size(kind)) * sizeof(float) + 63) / 64 * 64 : 0;
}

}  // namespace mhc::detail

namespace mhc::cuda {

/// Bytes that `policy.workspace` needs for `coefficients`, `pre`, the learned `contract` and their gradients, of so many
/// tokens. Every other operation needs none.
template <connection_kind Kind>
std::size_t workspace_bytes(Kind const& connection, std::ptrdiff_t tokens) {
  return detail::converted_phi_bytes(connection) + detail::gates_workspace<Kind>(connection, tokens, nullptr).bytes();
}

}  // namespace mhc::cuda

namespace mhc::detail {

/// The policy's workspace, seen to have `bytes` bytes.
inline void* workspace_of(cuda::policy const& where, char const* operation, std::size_t bytes) {
  if (bytes == 0) return nullptr;
  if (where.workspace_bytes < bytes) {
    throw shape_error(std::string(operation) + ": policy.workspace has " + std::to_string(where.workspace_bytes) +
                      " bytes, expected " + std::to_string(bytes) + " (mhc::cuda::workspace_bytes)");
  }
  if (where.workspace == nullptr || reinterpret_cast<std::uintptr_t>(where.workspace) % 16 != 0) {
    throw shape_error(std::string(operation) +
                      ": policy.workspace is null or misaligned, expected a multiple of 16 bytes");
  }
  require_device_memory(operation, "policy.workspace", where.workspace);
  return where.workspace;
}

}  // namespace mhc::detail
