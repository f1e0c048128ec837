// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/project_matrix/solve.hpp>

MHC_BEGIN_LANES

namespace mhc::detail {

template <class V>
  requires(V::size > 0)
struct row_access<V> {
  using batch = V;
  using W = math::scalar_of<V>;
  using element = W;
  static constexpr int width = static_cast<int>(batch::size);
  static_assert(row_padding % (2 * width) == 0);

  static batch load(W const* p) { return batch::load_unaligned(p); }
  static void store(batch const& v, W* p) { v.store_unaligned(p); }
  static W sum(batch const& v) { return sum_of_lanes(v); }
  static W maximum(batch const& v) {
    W top = math::lane<batch>::get(v, 0);
    for (int w = 1; w < width; ++w) top = math::maximum(top, math::lane<batch>::get(v, w));
    return top;
  }
};

}  // namespace mhc::detail

namespace mhc::cpu {

/// A matrix of fewer rows has so little for two threads between their meetings that one is faster.
inline constexpr int least_rows_on_threads = 96;

/// Rows in registers, blocks of rows on threads.
template <class Arch, bool Threads>
struct simd_machine {
  simd_policy<Arch, Threads> policy;

  simd_machine(simd_policy<Arch, Threads> const& given, int order)
      : policy(order < least_rows_on_threads ? given.with_threads(1) : given) {}

  template <class W>
  using vector = detail::lanes<W, Arch>;

  template <class F>
  void for_each(std::ptrdiff_t count, F&& f) const {
    cpu::for_each(policy, count, f);
  }
};

template <class Arch, bool Threads, class P, class T, class W>
matrix_report project_matrix_impl(simd_policy<Arch, Threads> const& policy, P const& projection,
                                  matrix_view<T const> logits, matrix_view<T> plan, W* workspace) {
  return apart<Arch>([&] {
    return detail::solve(simd_machine<Arch, Threads>(policy, plan.order), projection, logits, plan,
                         detail::scratch<W>{workspace});
  });
}

template <class Arch, bool Threads, class P, class T, class W>
void project_matrix_vjp_impl(simd_policy<Arch, Threads> const& policy, P const& projection, matrix_view<T const> logits,
                             matrix_view<T const> plan, matrix_view<T const> plan_gradient,
                             matrix_view<T> logits_gradient, W* workspace) {
  apart<Arch>([&] {
    detail::solve_vjp(simd_machine<Arch, Threads>(policy, plan.order), projection, logits, plan, plan_gradient,
                      logits_gradient, detail::scratch<W>{workspace});
  });
}

}  // namespace mhc::cpu

MHC_END_LANES
