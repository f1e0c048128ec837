// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/policy.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/bundle.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/project/types.hpp>
#include <mhc/ops/rows.hpp>
#include <mhc/projections/gradient.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <initializer_list>
#include <type_traits>

MHC_BEGIN_LANES

namespace mhc::detail {

/// One row of a tensor for each matrix.
template <class T>
struct tensor_rows {
  T const* data;
  std::ptrdiff_t length;
};

/// Asks for rows of these tensors while an operation works on the matrices before: much time passes between two groups of
/// rows, and the processor itself asks for nothing then. Where all of them are within 6 MiB, asking takes longer than what it
/// saves, as measured with a second level of 1 MiB.
template <class T>
class rows_ahead {
 public:
  rows_ahead(std::initializer_list<tensor_rows<T>> tensors, std::ptrdiff_t matrices)
      : tensors_(tensors), size_(matrices) {
    std::ptrdiff_t numbers = 0;
    for (auto const& t : tensors) numbers += t.length * matrices;
    asks_ = numbers * static_cast<std::ptrdiff_t>(sizeof(T)) > 6 << 20;
  }
  /// Behind matrices first … first + n − 1.
  MHC_ALWAYS_INLINE void ask(std::ptrdiff_t first, std::ptrdiff_t n) const {
    if (asks_ && first + n < size_) ask_for(first + n, std::min(first + 2 * n, size_));
  }

 private:
  /// A call, not code in the way of an iteration's registers.
  MHC_RARELY void ask_for(std::ptrdiff_t first, std::ptrdiff_t end) const {
    constexpr auto line = 64 / static_cast<std::ptrdiff_t>(sizeof(T));
    for (auto const& t : tensors_)
      for (std::ptrdiff_t k = first * t.length; k < end * t.length; k += line) prefetch<2>(t.data, k);
  }

  std::initializer_list<tensor_rows<T>> tensors_;
  std::ptrdiff_t size_;
  bool asks_;
};

}  // namespace mhc::detail

namespace mhc::cpu {

/// Is one of them −infinity? In pieces, each of which only ever sets the answer to yes.
template <class Arch, bool Threads, class T>
bool any_masked(simd_policy<Arch, Threads> const& policy, T const* data, std::ptrdiff_t count) {
  using V = detail::lanes<T, Arch>;
  constexpr std::ptrdiff_t piece = 1 << 14;
  std::atomic<bool> found = false;
  for_each_group<piece>(policy, count, [&](std::ptrdiff_t first, std::ptrdiff_t n) {
    math::mask_of<V> masked(false);
    detail::for_channels<V>(n, [&](std::ptrdiff_t k, std::ptrdiff_t some) {
      masked = masked | math::less<V>(detail::load_channels<V>(data + first + k, some), V(-math::largest<V>));
    });
    if (math::lane<V>::any(masked)) found.store(true, std::memory_order_relaxed);
  });
  return found;
}

/// Looks at matrices one by one only where there is a mask among them.
template <int N, class Arch, bool Threads, class P, class T, int K>
void require_scalable([[maybe_unused]] simd_policy<Arch, Threads> const& policy, [[maybe_unused]] char const* operation,
                      [[maybe_unused]] P const& projection, [[maybe_unused]] vector_view<T const, K> logits) {
  if constexpr (detail::checks_masks<P, N, T>) {
    if (any_masked(policy, logits.data, logits.size * K))
      projection.template require_scalable<N>(operation, logits.data, logits.size);
  }
}

/// body(z, first, n) for groups of matrices first … first + n − 1, whose logits are z, one matrix per lane, so that nothing
/// in the maths is horizontal. `tensors`: what of each matrix is read and written and has to be asked for; where a group takes
/// little time, nothing.
template <class V, class Policy, class T, int K, class F>
void for_each_matrices(Policy const& policy, vector_view<T const, K> logits,
                       std::initializer_list<detail::tensor_rows<T>> tensors, F const& body) {
  detail::rows_ahead<T> const ahead(tensors, logits.size);
  for_each_group<detail::width<V>>(policy, logits.size, [&](std::ptrdiff_t first, std::ptrdiff_t n) {
    ahead.ask(first, n);
    body(detail::load_rows<math::vec<V, K>>(logits.data, first, n), first, n);
  });
}

/// The same where the body iterates: as far as there are registers for it, it has `Wanted` to go on with while it waits
/// for one. Not for logits that take the long way through the maths.
template <int N, int Wanted = 2, class Arch, bool Threads, class P, class T, int K, class F>
void for_each_iteration(simd_policy<Arch, Threads> const& policy, P const& projection, vector_view<T const, K> logits,
                        std::initializer_list<detail::tensor_rows<T>> tensors, F const& body) {
  using single = detail::lanes<T, Arch>;
  if constexpr (N > 4) {
    for_each_matrices<single>(policy, logits, tensors, body);
  } else {
    using V = detail::iteration_lanes<single, N, Wanted>;
    std::initializer_list<detail::tensor_rows<T>> const nothing;
    detail::rows_ahead<T> const ahead(N > 2 ? tensors : nothing, logits.size);  // order 2 has a closed form
    for_each_group<detail::width<V>>(policy, logits.size, [&](std::ptrdiff_t first, std::ptrdiff_t n) MHC_FLATTEN {
      ahead.ask(first, n);
      auto const z = detail::load_rows<math::vec<V, K>>(logits.data, first, n);
      if constexpr (requires { projection.template is_narrow<N>(z); }) {
        auto const one_by_one = [&] {
          for_each_matrices<single>(
              policy.with_threads(1), vector_view<T const, K>{logits.data + first * K, n}, {},
              [&](auto const& some, std::ptrdiff_t w, std::ptrdiff_t m) { body(some, first + w, m); });
        };
        if (!projection.template is_narrow<N>(z)) return math::rarely<V>(one_by_one);
      }
      body(z, first, n);
    });
  }
}

/// Which of the two a projection wants. In the gauge an iteration keeps (N − 1)² + 2 (N − 1) numbers, and 32 registers of
/// 64 bytes, some of them in the first-level cache, are enough for four.
template <int N, class Arch, bool Threads, class P, class T, int K, class F>
void for_each_projection(simd_policy<Arch, Threads> const& policy, P const& projection, vector_view<T const, K> logits,
                         std::initializer_list<detail::tensor_rows<T>> tensors, F const& body) {
  using single = detail::lanes<T, Arch>;
  constexpr bool many =
      sizeof(single) >= 64 && requires(math::vec<single, K> const& z) { projection.template is_narrow<N>(z); };
  if constexpr (detail::iterates<P, N>)
    for_each_iteration<N, many ? 4 : 2>(policy, projection, logits, tensors, body);
  else
    for_each_matrices<single>(policy, logits, {}, body);
}

template <class Arch, bool Threads, class P, class T, int K, int N>
void project_impl(simd_policy<Arch, Threads> const& policy, P const& projection, vector_view<T const, K> logits,
                  batch_view<T, N> plan) {
  require_scalable<N>(policy, "mhc::project", projection, logits);
  for_each_projection<N>(policy, projection, logits, {{logits.data, K}, {plan.data, N * N}},
                         [&](auto const& z, std::ptrdiff_t first, std::ptrdiff_t n) {
                           detail::store_rows(projection.template apply<N>(z), plan.data, first, n);
                         });
}

template <class Arch, bool Threads, class P, class T, int K, int N>
void project_report_impl(simd_policy<Arch, Threads> const& policy, P const& projection, vector_view<T const, K> logits,
                         batch_view<T, N> plan, vector_view<T, 3> report) {
  require_scalable<N>(policy, "mhc::project", projection, logits);
  for_each_projection<N>(policy, projection, logits, {{logits.data, K}, {plan.data, N * N}, {report.data, 3}},
                         [&](auto const& z, std::ptrdiff_t first, std::ptrdiff_t n) {
                           auto const solved = projection.template solve<N>(z);
                           detail::store_rows(solved.plan, plan.data, first, n);
                           detail::store_rows(detail::report_of(projection, solved), report.data, first, n);
                         });
}

template <class Arch, bool Threads, class P, class T, int K, int N>
void project_vjp_impl(simd_policy<Arch, Threads> const& policy, P const& projection, vector_view<T const, K> logits,
                      batch_view<T const, N> plan, batch_view<T const, N> plan_gradient,
                      vector_view<T, K> logits_gradient) {
  auto const matrices = [&](auto const& z, batch_view<T const, N> all, std::ptrdiff_t first, std::ptrdiff_t n)
                            MHC_ALWAYS_INLINE {
                              return detail::load_rows<math::tile<std::decay_t<decltype(z[0])>, N>>(all.data, first, n);
                            };
  auto const body = [&](auto const& z, std::ptrdiff_t first, std::ptrdiff_t n) {
    auto const p = matrices(z, plan, first, n), g = matrices(z, plan_gradient, first, n);
    detail::store_rows(projection.vjp(z, p, g), logits_gradient.data, first, n);
  };
  if constexpr (detail::derivative_iterates<P, N>) {
    if (projection.gradient == mhc::gradient::implicit)
      return for_each_matrices<detail::lanes<T, Arch>>(
          policy, logits, {}, [&](auto const& z, std::ptrdiff_t first, std::ptrdiff_t n) MHC_FLATTEN {
            auto const p = matrices(z, plan, first, n), g = matrices(z, plan_gradient, first, n);
            detail::store_rows(projection.implicit_vjp(z, p, g), logits_gradient.data, first, n);
          });
    if constexpr (detail::has_unrolled_vjp<P, N>) {
      if (projection.gradient == mhc::gradient::unrolled)
        return for_each_iteration<N>(
            policy, projection, logits, {{logits.data, K}, {plan_gradient.data, N * N}, {logits_gradient.data, K}},
            [&](auto const& z, std::ptrdiff_t first, std::ptrdiff_t n) {
              auto const g = matrices(z, plan_gradient, first, n);
              detail::store_rows(projection.unrolled_vjp(z, g), logits_gradient.data, first, n);
            });
    }
    for_each_iteration<N>(
        policy, projection, logits,
        {{logits.data, K}, {plan.data, N * N}, {plan_gradient.data, N * N}, {logits_gradient.data, K}}, body);
  } else {
    for_each_matrices<detail::lanes<T, Arch>>(policy, logits, {}, body);
  }
}

template <class Arch, bool Threads, class P, class T, int K, int N>
void project_jvp_impl(simd_policy<Arch, Threads> const& policy, P const& projection, vector_view<T const, K> logits,
                      batch_view<T const, N> plan, vector_view<T const, K> logits_tangent,
                      batch_view<T, N> plan_tangent) {
  using V = detail::lanes<T, Arch>;
  for_each_group<detail::width<V>>(policy, plan.size, [&](std::ptrdiff_t first, std::ptrdiff_t n) {
    auto const z = detail::load_rows<math::vec<V, K>>(logits.data, first, n);
    auto const p = detail::load_rows<math::tile<V, N>>(plan.data, first, n);
    auto const d = detail::load_rows<math::vec<V, K>>(logits_tangent.data, first, n);
    detail::store_rows(projection.jvp(z, p, d), plan_tangent.data, first, n);
  });
}

template <class Arch, bool Threads, class P, class T, int K, int N>
void project_vjp_vjp_impl(simd_policy<Arch, Threads> const& policy, P const& projection, vector_view<T const, K> logits,
                          batch_view<T const, N> plan, batch_view<T const, N> plan_gradient,
                          vector_view<T const, K> cotangent, batch_view<T, N> plan_gradient_cotangent,
                          vector_view<T, K> logits_cotangent) {
  using V = detail::lanes<T, Arch>;
  for_each_group<detail::width<V>>(policy, plan.size, [&](std::ptrdiff_t first, std::ptrdiff_t n) {
    auto const z = detail::load_rows<math::vec<V, K>>(logits.data, first, n);
    auto const p = detail::load_rows<math::tile<V, N>>(plan.data, first, n);
    auto const g = detail::load_rows<math::tile<V, N>>(plan_gradient.data, first, n);
    auto const second = projection.vjp_vjp(z, p, g, detail::load_rows<math::vec<V, K>>(cotangent.data, first, n));
    detail::store_rows(second.plan_gradient, plan_gradient_cotangent.data, first, n);
    detail::store_rows(second.logits, logits_cotangent.data, first, n);
  });
}

}  // namespace mhc::cpu

MHC_END_LANES
