// SPDX-License-Identifier: MIT
#pragma once

// A small network, forward and backward, on device memory: defined in a .cu file, compared in a .cpp file.

#include <mhc/compose/stack.hpp>
#include <mhc/projections/sinkhorn.hpp>

#include <string>
#include <vector>

namespace mhc::test {

using network_kind = connection<float, 4, sinkhorn<>>;

struct network_input {
  stack<network_kind> network;
  std::ptrdiff_t tokens;
  std::vector<float> parameters, x, x_out_gradient;
};

struct network_output {
  std::vector<float> x_out, x_gradient, parameters_gradient;
};

/// F is the identity. Of these layers what stands for its vjp gives back u, so that the rebuilt one shows.
constexpr bool reads_u(std::ptrdiff_t layer) { return layer % 2 == 1; }

/// Where the recomputation runs: on the stream of all else, or on its own, which is the more or the less urgent one.
enum class recomputing { in_order, early, late };

/// Directly on its streams; or captured in a graph that is run twice, of which the second run is returned.
network_output run_network_on_device(network_input const& in, bool captured, recomputing how = recomputing::in_order);

/// The words of the errors that the device backend throws, one per mistake.
std::string refusal_of_host_pointer();
std::string refusal_of_small_workspace();
std::string refusal_of_misaligned_workspace();
std::string words_of_cuda_error();
std::string words_of_failed_launch();

/// Whether CUDA still has an error to tell, and forgets it.
bool error_is_left_behind();
/// An error that was there before an operation is neither the operation's nor forgotten.
bool error_of_others_is_left_alone();

}  // namespace mhc::test
