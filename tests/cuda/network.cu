// SPDX-License-Identifier: MIT
#include "cuda/support/graph.cuh"
#include "cuda/support/memory.cuh"
#include "cuda/support/network.hpp"

namespace mhc::test {

namespace {

/// y = F(u) = u, which needs no kernel of its own.
void copy(cudaStream_t stream, token_view<float const> from, token_view<float> to) {
  require_success(cudaMemcpyAsync(to.data, from.data, sizeof(float) * static_cast<std::size_t>(to.size * to.channels),
                                  cudaMemcpyDeviceToDevice, stream),
                  "F");
}

/// What follows on `later` comes after what is on `earlier`.
void follow(cudaStream_t later, cudaStream_t earlier) {
  cudaEvent_t reached{};
  require_success(cudaEventCreateWithFlags(&reached, cudaEventDisableTiming), "creating an event");
  require_success(cudaEventRecord(reached, earlier), "recording an event");
  require_success(cudaStreamWaitEvent(later, reached, 0), "waiting for an event");
  require_success(cudaEventDestroy(reached), "destroying an event");
}

}  // namespace

network_output run_network_on_device(network_input const& in, bool captured, recomputing how) {
  std::ptrdiff_t const channels = in.network.connection.channels;
  auto const size = static_cast<std::ptrdiff_t>(in.x.size());
  device_array<float> const p(in.parameters), x(in.x), g(in.x_out_gradient), out(size), xg(size),
      memory(workspace_size(in.network, in.tokens)), pg(static_cast<std::ptrdiff_t>(in.parameters.size()), 0);
  auto const scratch = cuda::workspace_bytes(in.network.connection, in.tokens);
  device_array<char> const workspace(static_cast<std::ptrdiff_t>(scratch));
  device_stream const stream(how != recomputing::early), aside(how == recomputing::early);
  cuda::policy const policy{stream, workspace.data(), scratch}, recomputation{aside};
  std::span<float> const kept(memory.data(), static_cast<std::size_t>(workspace_size(in.network, in.tokens)));
  auto const pass = [&] {
    propagate(policy, in.network, p.data(), {x.data(), in.tokens, channels}, {out.data(), in.tokens, channels}, kept,
              [&](std::ptrdiff_t, token_view<float const> u, token_view<float> y) { copy(stream, u, y); });
    auto const backward = [&](auto const&... policies) {
      propagate_vjp(policies..., in.network, p.data(), {x.data(), in.tokens, channels}, kept,
                    {g.data(), in.tokens, channels}, {xg.data(), in.tokens, channels}, pg.data(),
                    [&](std::ptrdiff_t l, token_view<float const> u, token_view<float const>,
                        token_view<float const> yg, token_view<float> ug) { copy(stream, reads_u(l) ? u : yg, ug); });
    };
    if (how == recomputing::in_order) return backward(policy);
    follow(aside, stream);
    backward(policy, recomputation);
  };
  require_success(cudaDeviceSynchronize(), "copying in");
  if (captured) {
    run_captured(stream, pass, [&] {
      require_success(cudaMemsetAsync(pg.data(), 0, in.parameters.size() * sizeof(float), stream), "cudaMemsetAsync");
    });
  } else {
    pass();
  }
  require_success(cudaStreamSynchronize(stream), "running");
  return {out.values(), xg.values(), pg.values()};
}

}  // namespace mhc::test
