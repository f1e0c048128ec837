// SPDX-License-Identifier: MIT
#include "cuda/support/memory.cuh"
#include "cuda/support/network.hpp"

#include <mhc/ops/contract/contract.hpp>
#include <mhc/ops/expand/expand.hpp>

namespace mhc::test {

namespace {

template <class Error, class F>
std::string words(F&& f) {
  try {
    f();
  } catch (Error const& e) {
    return e.what();
  }
  return "no such exception";
}

__global__ void fill_nothing() {}

std::string refusal_of_workspace(std::size_t offset, std::size_t missing) {
  constexpr std::ptrdiff_t tokens = 2, channels = 4;
  network_kind const kind{.channels = channels};
  device_array<float> const x(tokens * 4 * channels), p(parameter_count(kind)), u(tokens * channels), post(tokens * 4),
      res(tokens * 16), xg(tokens * 4 * channels), pg(parameter_count(kind), 0);
  auto const bytes = cuda::workspace_bytes(kind, tokens);
  device_array<char> const workspace(static_cast<std::ptrdiff_t>(bytes + offset));
  auto const refused = words<shape_error>([&] {
    pre_vjp(cuda::policy{nullptr, workspace.data() + offset, bytes - missing}, kind, parameters_at(kind, p.data()),
            {x.data(), tokens, channels}, {u.data(), tokens, channels}, {post.data(), tokens}, {res.data(), tokens},
            {xg.data(), tokens, channels}, parameters_at(kind, pg.data()));
  });
  for (float const g : pg.values())
    if (g != 0) return "something was written";
  return refused;
}

}  // namespace

std::string refusal_of_host_pointer() {
  device_array<float> const x(4 * 8);
  std::vector<float> u(8);
  return words<shape_error>([&] {
    contract(cuda::policy{}, contraction::sum, stream_view<float const, 4>{x.data(), 1, 8}, {u.data(), 1, 8});
  });
}
std::string refusal_of_small_workspace() { return refusal_of_workspace(0, 1); }
std::string refusal_of_misaligned_workspace() { return refusal_of_workspace(8, 0); }
std::string words_of_cuda_error() {
  return words<cuda_error>([] { detail::check_cuda("mhc::mix", "launching a kernel", cudaErrorMemoryAllocation); });
}

std::string words_of_failed_launch() {
  return words<cuda_error>([] {
    detail::launch(cuda::policy{}, "mhc::mix", fill_nothing, {1, 4096});  // more threads than a block may have
  });
}
bool error_is_left_behind() { return cudaGetLastError() != cudaSuccess; }

bool error_of_others_is_left_alone() {
  constexpr std::ptrdiff_t tokens = 3, channels = 8;
  device_array<float> const y(std::vector<float>(tokens * channels, 1.5F)), x(tokens * 4 * channels);
  void* memory = nullptr;
  if (cudaMalloc(&memory, std::size_t{1} << 50) != cudaErrorMemoryAllocation) return false;
  expand(cuda::policy{}, {y.data(), tokens, channels}, stream_view<float, 4>{x.data(), tokens, channels});
  bool const still_there = cudaGetLastError() == cudaErrorMemoryAllocation;
  for (float const v : x.values())
    if (v != 1.5F) return false;
  return still_there;
}

}  // namespace mhc::test
