// SPDX-License-Identifier: MIT
#include "connections.hpp"

#include <array>
#include <stdexcept>

#ifdef DEMO_ON_DEVICE
#  define DEMO_CONNECT(kind) on_host::connect_##kind, on_device::connect_##kind
#else
#  define DEMO_CONNECT(kind) on_host::connect_##kind, nullptr
#endif

namespace demo {

std::span<connection_kind const> connection_kinds() {
  static constexpr std::array kinds{
      connection_kind{"residual", "", "x + F(x): one stream, nothing to learn.", "#8a8a8a", 8, DEMO_CONNECT(residual)},
      connection_kind{"hc", "Hyper-connections",
                      "What each layer reads, writes and mixes is learned and depends on the token; the mixing matrix "
                      "H_res is free.",
                      "#e4572e", 8, DEMO_CONNECT(hc)},
      connection_kind{
          "mhc", "Manifold-constrained hyper-connections",
          "H_res is made doubly stochastic, rows and columns summing to 1, by 20 Sinkhorn–Knopp iterations.", "#2f7ed8",
          8, DEMO_CONNECT(mhc)},
      connection_kind{"mhc-exact", "",
                      "The same with the exact projection (Newton's method in place of the 20 iterations).", "#17a589",
                      8, DEMO_CONNECT(mhc_exact)},
      connection_kind{"identity", "As mhc", "H_res = I: streams are read and written, never mixed.", "#b9770e", 8,
                      DEMO_CONNECT(identity)},
      connection_kind{"unconstrained", "As mhc", "H_res is what the gates say, without any constraint.", "#c0392b", 8,
                      DEMO_CONNECT(unconstrained)},
      connection_kind{"permutation", "As mhc", "H_res is a mixture of all permutations of the streams.", "#8e44ad", 4,
                      DEMO_CONNECT(permutation)},
      connection_kind{"kronecker", "As mhc", "H_res is a Kronecker product of 2 × 2 doubly stochastic matrices.",
                      "#2e86c1", 8, DEMO_CONNECT(kronecker)},
      connection_kind{"circulant", "As mhc", "H_res is a mixture of the cyclic shifts.", "#229954", 8,
                      DEMO_CONNECT(circulant)},
      connection_kind{"orthostochastic", "As mhc", "H_res is the squares of a rotation, summed over blocks of 2 × 2.",
                      "#d68910", 4, DEMO_CONNECT(orthostochastic)},
      connection_kind{"transport", "As mhc", "H_res is filled entry by entry within what the rows and columns leave.",
                      "#717d7e", 8, DEMO_CONNECT(transport)},
      connection_kind{"orthogonal", "As mhc", "H_res is a rotation: norms stay, sums do not.", "#af7ac5", 8,
                      DEMO_CONNECT(orthogonal)},
      connection_kind{"euclidean", "As mhc", "H_res is the nearest doubly stochastic matrix, with exact zeros.",
                      "#1a5276", 8, DEMO_CONNECT(euclidean)}};
  return kinds;
}

std::string connection_names() {
  std::string names;
  for (auto const& kind : connection_kinds()) names += (names.empty() ? "" : ", ") + std::string(kind.name);
  return names;
}

connection_kind const& connection_named(std::string_view name) {
  for (auto const& kind : connection_kinds())
    if (kind.name == name) return kind;
  throw std::invalid_argument("--connection must be one of " + connection_names() + ", not \"" + std::string(name) +
                              '"');
}

}  // namespace demo
