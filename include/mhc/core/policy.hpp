// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/error.hpp>

#include <concepts>
#include <string>

namespace mhc {

/// Where and how an operation runs: a small copyable type that opts in with a member tag, the first
/// argument of every operation, with no default. Satisfied by `cpu::sequential_policy` and
/// `cpu::simd_policy<Arch, Threads>`; a user adds a backend by writing a policy and putting `<operation>_impl`
/// overloads in its namespace, where argument-dependent lookup finds them.
template <class P>
concept execution_policy = std::copyable<P> && requires { typename P::execution_policy_tag; };

/// What a vjp does with an x_gradient that is one of several contributions to the same tensor.
enum class update { overwrite, accumulate };

namespace detail {

constexpr int number_of_threads(int k) {
  if (k < 0) throw option_error("mhc::simd.with_threads: k is " + std::to_string(k) + ", expected 0 or more");
  return k;
}

}  // namespace detail

namespace cpu {

/// One thread, no vector registers. The readable backend, for any scalar type, and the tests' baseline.
struct sequential_policy {
  using execution_policy_tag = void;
};

/// Lanes of `Arch`, and threads if `Threads`. Both are part of the type, so that translation units built
/// with different flags instantiate different functions.
template <class Arch, bool Threads>
struct simd_policy {
  using execution_policy_tag = void;

  int threads = 1;

  /// The same policy on up to k threads, k = 0 for all cores. The result has the same bits for any k.
  /// Without OpenMP (`Threads` false) there is one thread whatever k is.
  ///
  /// @throws mhc::option_error  k < 0
  constexpr simd_policy with_threads(int k) const { return {detail::number_of_threads(k)}; }
};

/// What follows under `later` comes after what `earlier` was given: nothing to do where operations return when done.
constexpr void wait_impl(sequential_policy const& /*later*/, sequential_policy const& /*earlier*/) {}
template <class Arch, bool Threads>
constexpr void wait_impl(simd_policy<Arch, Threads> const& /*later*/, simd_policy<Arch, Threads> const& /*earlier*/) {}

}  // namespace cpu

inline constexpr cpu::sequential_policy seq{};

namespace detail {

template <class Later, class Earlier>
void wait_impl(Later const&, Earlier const&) {
  static_assert(always_false<Later>, "mhc::propagate_vjp: these execution policies have no wait_impl(later, earlier)");
}

/// Orders the work of two policies; does nothing where `One` policy has all of it in order anyway.
template <bool One>
struct waiting {
  template <class Policy>
  void operator()(Policy const& later, Policy const& earlier) const {
    if constexpr (!One) wait_impl(later, earlier);
  }
};

}  // namespace detail

}  // namespace mhc
