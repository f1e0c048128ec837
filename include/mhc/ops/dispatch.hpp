// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/ops/levels.hpp>

/// @file
/// The policy that picks its instruction set where it runs.

namespace mhc::cpu {

/// Lanes of the widest level that the processor has, of `Arch` where it has none; `Arch` and `Threads` are as in
/// `simd_policy`. The results of two levels differ by rounding: registers of other sizes sum in other orders.
template <class Arch, bool Threads>
struct dispatching_policy {
  using execution_policy_tag = void;

  int threads = 1;

  /// As that of `simd_policy`.
  constexpr dispatching_policy with_threads(int k) const { return {mhc::detail::number_of_threads(k)}; }
};

/// f(p) with the policy p that `policy` amounts to on this processor.
template <class Arch, bool Threads, class F>
decltype(auto) with_widest_level(dispatching_policy<Arch, Threads> const& policy, F const& f) {
#if defined(MHC_DISPATCHES)
  if (level::avx512::is_supported()) return f(simd_policy<level::avx512, Threads>{}.with_threads(policy.threads));
#  if defined(MHC_DISPATCHES_TO_AVX2)
  if (level::avx2::is_supported()) return f(simd_policy<level::avx2, Threads>{}.with_threads(policy.threads));
#  endif
#endif
  return f(simd_policy<Arch, Threads>{policy.threads});
}

/// The name of the instruction set that a policy runs on here: "avx512", "avx2", or that of an architecture of xsimd.
template <class Arch, bool Threads>
char const* instruction_set(simd_policy<Arch, Threads> const&) {
  if constexpr (raised_level<Arch>)
    return Arch::name;
  else
    return Arch::name();
}
template <class Arch, bool Threads>
char const* instruction_set(dispatching_policy<Arch, Threads> const& policy) {
  return with_widest_level(policy, [](auto const& p) { return instruction_set(p); });
}

/// Every operation, handed on to the level's policy.
#define MHC_AT_WIDEST_LEVEL(operation)                                                             \
  template <class Arch, bool Threads, class... Arguments>                                          \
  auto operation(dispatching_policy<Arch, Threads> const& policy, Arguments const&... arguments) { \
    return with_widest_level(policy, [&](auto const& p) { return operation(p, arguments...); });   \
  }
MHC_AT_WIDEST_LEVEL(aggregate_impl)
MHC_AT_WIDEST_LEVEL(aggregate_vjp_impl)
MHC_AT_WIDEST_LEVEL(contract_impl)
MHC_AT_WIDEST_LEVEL(contract_vjp_impl)
MHC_AT_WIDEST_LEVEL(expand_impl)
MHC_AT_WIDEST_LEVEL(expand_vjp_impl)
MHC_AT_WIDEST_LEVEL(gates_impl)
MHC_AT_WIDEST_LEVEL(gates_vjp_impl)
MHC_AT_WIDEST_LEVEL(marginal_error_impl)
MHC_AT_WIDEST_LEVEL(mix_impl)
MHC_AT_WIDEST_LEVEL(mix_vjp_impl)
MHC_AT_WIDEST_LEVEL(mix_pre_impl)
MHC_AT_WIDEST_LEVEL(mix_pre_vjp_impl)
MHC_AT_WIDEST_LEVEL(project_impl)
MHC_AT_WIDEST_LEVEL(project_report_impl)
MHC_AT_WIDEST_LEVEL(project_vjp_impl)
MHC_AT_WIDEST_LEVEL(project_jvp_impl)
MHC_AT_WIDEST_LEVEL(project_vjp_vjp_impl)
MHC_AT_WIDEST_LEVEL(project_matrix_impl)
MHC_AT_WIDEST_LEVEL(project_matrix_vjp_impl)
#undef MHC_AT_WIDEST_LEVEL

template <class Arch, bool Threads>
constexpr void wait_impl(dispatching_policy<Arch, Threads> const& /*later*/,
                         dispatching_policy<Arch, Threads> const& /*earlier*/) {}

}  // namespace mhc::cpu
