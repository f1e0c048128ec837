// SPDX-License-Identifier: MIT
#include "sets.cuh"

#include <mhc/ops/aggregate/aggregate.hpp>
#include <mhc/ops/contract/contract.hpp>
#include <mhc/ops/expand/expand.hpp>
#include <mhc/ops/mix/mix.hpp>

namespace mhc::bench {

namespace {

constexpr int N = 4;

}  // namespace

void time_streams(std::ptrdiff_t tokens, std::ptrdiff_t channels, report const& say) {
  std::ptrdiff_t const s = tokens * N * channels, t = tokens * channels, h = tokens * N, m = tokens * N * N;
  enum { x, x2, y, y2, pre, pre2, res, res2, g };
  rotating const sets({s, s, t, t, h, h, m, m, s});
  auto const streams = [&](float* at) { return stream_view<float, N>{at, tokens, channels}; };
  auto const token = [&](float* at) { return token_view<float>{at, tokens, channels}; };
  auto const vectors = [&](float* at) { return vector_view<float, N>{at, tokens}; };
  auto const matrices = [&](float* at) { return batch_view<float, N>{at, tokens}; };
  auto const timed = [&](char const* name, std::ptrdiff_t moved, auto const& run) {
    report_time(say, name, tokens, channels, moved, sets,
                [&](cudaStream_t stream, auto const& at) { run(cuda::policy{stream}, at); });
  };
  timed("mix", 2 * s + t + h + m, [&](auto p, auto const& at) {
    mix(p, matrices(at(res)), vectors(at(pre)), streams(at(x)), token(at(y)), streams(at(x2)));
  });
  timed("mix_vjp", 3 * s + 2 * t + 2 * h + 2 * m, [&](auto p, auto const& at) {
    mix_vjp(p, matrices(at(res)), vectors(at(pre)), streams(at(x)), token(at(y)), streams(at(g)), matrices(at(res2)),
            vectors(at(pre2)), streams(at(x2)), token(at(y2)));
  });
  timed("aggregate", s + t + h,
        [&](auto p, auto const& at) { aggregate(p, vectors(at(pre)), streams(at(x)), token(at(y2))); });
  timed("aggregate_vjp", 2 * s + t + 2 * h, [&](auto p, auto const& at) {
    aggregate_vjp(p, vectors(at(pre)), streams(at(x)), token(at(y)), vectors(at(pre2)), streams(at(x2)));
  });
  timed("expand", s + t, [&](auto p, auto const& at) { expand(p, token(at(y)), streams(at(x2))); });
  timed("contract", s + t,
        [&](auto p, auto const& at) { contract(p, contraction::sum, streams(at(x)), token(at(y2))); });
}

}  // namespace mhc::bench
