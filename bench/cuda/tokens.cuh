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
  auto const scanned_by = [&](auto const& launch) {  // the scan alone
    return [&, launch](cuda::policy const& policy, arrays const& a) {
      detail::gates_workspace<kind_type> const at(a.kind, a.tokens, static_cast<float*>(policy.workspace));
      launch(policy,
             detail::scan_task<S>{a.x, a.parameters.phi, a.u, a.tokens, a.kind.channels, 1, at.chunks, at.scanned()});
    };
  };
  auto const by_rows = [&]<bool Dots, int M, bool Tf32 = false>(
                           std::bool_constant<Dots>, std::integral_constant<int, M>, std::bool_constant<Tf32> = {}) {
    return scanned_by([](auto const& policy, auto const& task) {
      detail::launch_scan_of<W, S, K, N, Dots, M, false, Tf32>(policy, operation, task);
    });
  };
  constexpr std::integral_constant<int, 1> rows_16{};
  constexpr std::integral_constant<int, 2> rows_32{};
  double const scan_bytes = pre_bytes / (N + 1) * N;
  timed("scan, 16 rows to a warp", scan_bytes, by_rows(std::false_type{}, rows_16));
  if constexpr (sizeof(S) == 4)
    timed("scan, 16 rows to a warp, tf32", scan_bytes, by_rows(std::false_type{}, rows_16, std::true_type{}));
  if constexpr (sizeof(S) == 2) timed("scan, 32 rows to a warp", scan_bytes, by_rows(std::false_type{}, rows_32));
  if constexpr (std::is_same_v<S, bfloat16>) {
    auto const in_pieces = [&]<bool Dots, int M, int Units, int Pieces = 3>(
                               std::bool_constant<Dots>, std::integral_constant<int, M>,
                               std::integral_constant<int, Units>, std::integral_constant<int, Pieces> = {}) {
      return scanned_by([](auto const& policy, auto const& task) {
        detail::launch_bfloat16_scan_of<W, K, N, Dots, M, Pieces, Units>(policy, operation, task);
      });
    };
    constexpr std::integral_constant<int, 4> columns_32{};
    constexpr std::integral_constant<int, 8> columns_64{};
    timed("bfloat16 scan, 16 rows, 32 columns", scan_bytes, in_pieces(std::false_type{}, rows_16, columns_32));
    timed("bfloat16 scan, 32 rows, 32 columns", scan_bytes, in_pieces(std::false_type{}, rows_32, columns_32));
    timed("bfloat16 scan, 32 rows, 64 columns", scan_bytes, in_pieces(std::false_type{}, rows_32, columns_64));
    timed("bfloat16 scan, 32 rows, 32 columns, phi in 2 pieces", scan_bytes,
          in_pieces(std::false_type{}, rows_32, columns_32, std::integral_constant<int, 2>{}));
    timed("scan with du, 32 rows to a warp", pre_bytes, by_rows(std::true_type{}, rows_32));
    timed("bfloat16 scan with du, 32 columns", pre_bytes, in_pieces(std::true_type{}, rows_32, columns_32));
    timed("bfloat16 scan with du, 64 columns", pre_bytes, in_pieces(std::true_type{}, rows_32, columns_64));
  }
  timed("pre by scan", pre_bytes, [&](auto const& policy, arrays const& a) { scanned(policy, a, a.x); });
  auto const mix_apart = [&](auto const& policy, arrays const& a) {
    mix(policy, a.matrices(a.res_gradient), a.vectors(a.post_gradient), a.streams(a.x), a.token(a.y),
        a.streams(a.x_next));
  };
  timed("mix, pre by scan", mix_pre_bytes, [&](auto const& policy, arrays const& a) {
    mix_apart(policy, a);
    scanned(policy, a, a.x_next);
  });
  auto const launched = [&]<bool Mixes, int M>(auto const& policy, auto const& arguments, std::bool_constant<Mixes>,
                                               std::integral_constant<int, M>) {
    if (!detail::launch_together_by<Mixes, M>(policy, operation, arguments))
      throw std::runtime_error("this device has no clusters");
  };
  auto const together = [&](auto mixes, auto tiles) {
    return [&, mixes, tiles](auto const& policy, arrays const& a) { launched(policy, mixed(a), mixes, tiles); };
  };
  auto const mix_then_together = [&](auto tiles) {
    return [&, tiles](auto const& policy, arrays const& a) {
      mix_apart(policy, a);
      auto next = mixed(a);
      next.x = a.streams(a.x_next);
      launched(policy, next, std::false_type{}, tiles);
    };
  };
  timed("pre of 16 together", pre_bytes, together(std::false_type{}, std::integral_constant<int, 1>{}));
  timed("pre of 32 together", pre_bytes, together(std::false_type{}, std::integral_constant<int, 2>{}));
  timed("mix_pre of 16 together", mix_pre_bytes, together(std::true_type{}, std::integral_constant<int, 1>{}));
  timed("mix, pre of 16 together", mix_pre_bytes, mix_then_together(std::integral_constant<int, 1>{}));
  timed("mix, pre of 32 together", mix_pre_bytes, mix_then_together(std::integral_constant<int, 2>{}));
}

}  // namespace mhc::bench
