// SPDX-License-Identifier: MIT
// A device without free memory: whether a kernel can be launched that needs some of its own.

#include "cuda/support/full.hpp"
#include "cuda/support/memory.cuh"

#include <mhc/ops/project/project.hpp>
#include <mhc/projections/sinkhorn.hpp>

namespace mhc::test {

namespace {

/// Takes all memory that can be had, down to pieces of 4 KB.
class all_memory {
 public:
  all_memory() {
    for (std::size_t bytes = std::size_t{1} << 40; bytes >= 4096;) {
      void* piece = nullptr;
      if (cudaMalloc(&piece, bytes) == cudaSuccess)
        pieces_.push_back(piece);
      else
        bytes /= 2;
    }
    require(cudaGetLastError() == cudaErrorMemoryAllocation);
  }
  all_memory(all_memory const&) = delete;
  all_memory& operator=(all_memory const&) = delete;
  ~all_memory() {
    for (void* const piece : pieces_) cudaFree(piece);
  }

 private:
  static void require(bool right) {
    if (!right) throw std::runtime_error("there is no end to the device's memory");
  }
  std::vector<void*> pieces_;
};

}  // namespace

full_device_result run_on_full_device(std::vector<double> const& logits, std::vector<double> const& gradient) {
  constexpr int N = 6, K = N * N;
  auto const batch = static_cast<std::ptrdiff_t>(logits.size()) / K;
  device_array<double> const z(logits), g(gradient), plan(batch * K), out(batch * K);
  vector_view<double const, K> const zv{z.data(), batch};
  sinkhorn<> const projection{.gradient = gradient::unrolled};
  full_device_result result{"nothing was thrown", {}};
  {
    all_memory const nothing_is_left;
    try {  // the unrolled gradient keeps its scalings in memory that the driver provides at the launch
      project_vjp(cuda::policy{}, projection, zv, batch_view<double const, N>{plan.data(), batch}, {g.data(), batch},
                  {out.data(), batch});
    } catch (cuda_error const& e) {
      result.words = e.what();
    }
  }
  project(cuda::policy{}, projection, zv, batch_view<double, N>{plan.data(), batch});
  result.plan = plan.values();
  return result;
}

}  // namespace mhc::test
