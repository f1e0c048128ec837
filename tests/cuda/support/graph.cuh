// SPDX-License-Identifier: MIT
#pragma once

#include "cuda/support/staged.cuh"

namespace mhc::test {

/// Captures work() in a graph and runs it twice, each time after prepare().
template <class Work, class Prepare>
void run_captured(cudaStream_t stream, Work const& work, Prepare const& prepare) {
  cudaGraph_t graph{};
  cudaGraphExec_t program{};
  require_success(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal), "beginning a capture");
  work();
  require_success(cudaStreamEndCapture(stream, &graph), "ending a capture");
  require_success(cudaGraphInstantiate(&program, graph, 0), "cudaGraphInstantiate");
  for (int run = 0; run < 2; ++run) {
    prepare();
    require_success(cudaGraphLaunch(program, stream), "cudaGraphLaunch");
  }
  require_success(cudaStreamSynchronize(stream), "running a graph");
  cudaGraphExecDestroy(program);
  cudaGraphDestroy(graph);
}

}  // namespace mhc::test
