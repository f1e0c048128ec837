// SPDX-License-Identifier: MIT
#pragma once

#include "sets.cuh"

#include <stdexcept>
#include <string>
#include <type_traits>

namespace mhc::bench {

template <class S>
void time_tokens(std::ptrdiff_t tokens, std::ptrdiff_t channels, report const& say) {
  std::vector<array> memory;
  auto const sets = rotating(memory, [&](auto const& some) { return token_set<S>(tokens, channels, some); });
  for_each_token_operation<S>(tokens, channels, [&](char const* name, double bytes, auto const& run) {
    auto const t = time(sets.size(), [&](cudaStream_t stream, std::size_t k) {
      run(cuda::policy{stream, sets[k].scratch, sets[k].bytes}, sets[k].arrays);
    });
    say({name, bytes, t.microseconds, t.spread});
  });
}

template <class S>
void time_ways(std::ptrdiff_t tokens, std::ptrdiff_t channels, report const& say) {
  using arrays = token_arrays<S>;
  using kind_type = typename arrays::kind_type;
  constexpr int N = arrays::N, K = kind_type::scores_per_row, W = detail::pack_width<S>;
  constexpr char const* operation = "mhc_cuda_bench";
  std::vector<array> memory;
  auto const sets = rotating(memory, [&](auto const& some) { return token_set<S>(tokens, channels, some); });
  double pre_bytes = 0, mix_pre_bytes = 0;
  for_each_token_operation<S>(tokens, channels, [&](std::string const& name, double bytes, auto const&) {
    if (name == "pre") pre_bytes = bytes;
    if (name == "mix_pre") mix_pre_bytes = bytes;
  });
  auto const outputs = [](arrays const& a) {
    return detail::gate_outputs<S, N>{a.vectors(a.h_pre), a.vectors(a.h_post), a.matrices(a.h_res), a.token(a.u)};
  };
  auto const mixed = [&](arrays const& a) {
    return detail::mix_pre_arguments<kind_type, S>{a.matrices(a.res_gradient),
                                                   a.vectors(a.post_gradient),
                                                   a.streams(a.x),
                                                   a.token(a.y),
                                                   a.kind,
                                                   a.parameters,
                                                   a.streams(a.x_next),
                                                   outputs(a)};
  };
  auto const timed = [&](char const* name, double bytes, auto const& run) {
    auto const t = time(sets.size(), [&](cudaStream_t stream, std::size_t k) {
      run(cuda::policy{stream, sets[k].scratch, sets[k].bytes}, sets[k].arrays);
    });
    say({name, bytes, t.microseconds, t.spread});
  };
  auto const scanned = [&](cuda::policy const& policy, arrays const& a, S* x) {
    cuda::gates_by_scan(policy, operation, a.kind, parameters_of<kind_type, float const>(a.parameters),
                        stream_view<S const, N>(a.streams(x)), outputs(a));
  };
  auto const coefficients_by = [&]<int M>(std::integral_constant<int, M>) {
    return [&](cuda::policy const& policy, arrays const& a) {  // the scan alone, of 16·M rows to a warp
      detail::gates_workspace<kind_type> const at(a.kind, a.tokens, static_cast<float*>(policy.workspace));
      detail::scan_task<S> const task{a.x, a.parameters.phi, nullptr,     a.tokens, a.kind.channels,
                                      1,   at.chunks,        at.scanned()};
      detail::launch_scan_of<W, S, K, N, false, M>(policy, operation, task);
    };
  };
  timed("scan, 16 rows to a warp", pre_bytes / (N + 1) * N, coefficients_by(std::integral_constant<int, 1>{}));
  if constexpr (sizeof(S) == 2)
    timed("scan, 32 rows to a warp", pre_bytes / (N + 1) * N, coefficients_by(std::integral_constant<int, 2>{}));
  timed("pre by scan", pre_bytes, [&](auto const& policy, arrays const& a) { scanned(policy, a, a.x); });
  timed("mix, pre by scan", mix_pre_bytes, [&](auto const& policy, arrays const& a) {
    mix(policy, a.matrices(a.res_gradient), a.vectors(a.post_gradient), a.streams(a.x), a.token(a.y),
        a.streams(a.x_next));
    scanned(policy, a, a.x_next);
  });
  auto const together = [&]<bool Mixes, int M>(std::bool_constant<Mixes>, std::integral_constant<int, M>) {
    return [&](auto const& policy, arrays const& a) {
      if (!detail::launch_together_by<Mixes, M>(policy, operation, mixed(a)))
        throw std::runtime_error("this device has no clusters");
    };
  };
  timed("pre of 16 together", pre_bytes, together(std::false_type{}, std::integral_constant<int, 1>{}));
  timed("pre of 32 together", pre_bytes, together(std::false_type{}, std::integral_constant<int, 2>{}));
  timed("mix_pre of 16 together", mix_pre_bytes, together(std::true_type{}, std::integral_constant<int, 1>{}));
}

}  // namespace mhc::bench
