// SPDX-License-Identifier: MIT
#include "sets.cuh"

#include <mhc/ops/coefficients/coefficients.hpp>
#include <mhc/ops/pre/pre.hpp>
#include <mhc/projections/sinkhorn.hpp>

namespace mhc::bench {

void time_gates(std::ptrdiff_t tokens, std::ptrdiff_t channels, report const& say) {
  constexpr int N = 4;
  connection<float, N, sinkhorn<>> const kind{.channels = channels,
                                              .projection = {.iterations = 20, .gradient = gradient::implicit}};
  std::ptrdiff_t const s = tokens * N * channels, t = tokens * channels, h = tokens * N, m = tokens * N * N,
                       p = parameter_count(kind);
  auto const scratch = cuda::workspace_bytes(kind, tokens);
  enum { x, x2, u, pre_, post, res, parameters_, gradients, memory };
  rotating const sets({s, s, t, h, h, m, p, p, static_cast<std::ptrdiff_t>(scratch / sizeof(float))});
  std::vector<float> const alpha(3, 0.01f);  // as models start: logits of order 1
  for (std::size_t k = 0; k < sets.count(); ++k)
    require_success(cudaMemcpy(parameters_at(kind, sets(k, parameters_)).alpha, alpha.data(), 3 * sizeof(float),
                               cudaMemcpyHostToDevice),
                    "copying alpha");
  auto const timed = [&](char const* name, std::ptrdiff_t moved, auto const& run) {
    report_time(say, name, tokens, channels, moved, sets, [&](cudaStream_t stream, auto const& at) {
      run(cuda::policy{stream, at(memory), scratch}, at, stream_view<float const, N>{at(x), tokens, channels});
    });
  };
  auto const at_parameters = [&](float* at) { return parameters_at(kind, at); };
  timed("coefficients", s + 2 * h + m + p, [&](auto policy, auto const& at, auto from) {
    coefficients(policy, kind, at_parameters(at(parameters_)), from, {at(pre_), tokens}, {at(post), tokens},
                 {at(res), tokens});
  });
  timed("pre", s + t + 2 * h + m + p, [&](auto policy, auto const& at, auto from) {
    pre(policy, kind, at_parameters(at(parameters_)), from, {at(pre_), tokens}, {at(post), tokens}, {at(res), tokens},
        {at(u), tokens, channels});
  });
  timed("pre_vjp", 2 * s + t + h + m + 3 * p, [&](auto policy, auto const& at, auto from) {
    pre_vjp(policy, kind, at_parameters(at(parameters_)), from, {at(u), tokens, channels}, {at(post), tokens},
            {at(res), tokens}, {at(x2), tokens, channels}, at_parameters(at(gradients)));
  });
}

}  // namespace mhc::bench
