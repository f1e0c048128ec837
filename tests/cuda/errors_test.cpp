// SPDX-License-Identifier: MIT
#include "cuda/support/network.hpp"
#include "support/arrays.hpp"

using namespace mhc::test;

TEST_CASE("the CUDA policy refuses what it cannot use, in words", "[cuda][errors]") {
  CHECK(refusal_of_host_pointer() == "mhc::contract: u is host memory, expected device or managed memory");
  CHECK_THAT(refusal_of_small_workspace(), contains("pre_vjp") && contains(": policy.workspace has ") &&
                                               contains(" bytes, expected ") && contains("workspace_bytes"));
  CHECK_THAT(refusal_of_misaligned_workspace(), contains("policy.workspace is null or misaligned"));
  CHECK(words_of_cuda_error() == "mhc::mix: launching a kernel: cudaErrorMemoryAllocation: out of memory");
}

TEST_CASE("errors of CUDA belong to the call that made them", "[cuda][errors]") {
  CHECK(error_of_others_is_left_alone());
  CHECK_THAT(words_of_failed_launch(), contains("mhc::mix: launching a kernel: cudaErrorInvalid"));
  CHECK(!error_is_left_behind());
}
