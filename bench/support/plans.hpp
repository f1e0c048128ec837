// SPDX-License-Identifier: MIT
#pragma once

#include "support/cases.hpp"
#include "support/naive_projection.hpp"

#include <mhc/ops/project/project.hpp>

#include <algorithm>
#include <cstddef>
#include <vector>

/// @file
/// The tensors of a projection and its derivatives: logits N(0, 1), 20 iterations, a batch that stays in cache, or one that
/// hardly does.

namespace bench {

inline constexpr int sinkhorn_iterations = 20;
inline constexpr std::ptrdiff_t matrices = 8192;
/// So many that tensors of float, of 16 MiB each, do not stay in the cache of a core.
template <int N>
inline constexpr std::ptrdiff_t many_matrices = (std::ptrdiff_t(1) << 22) / (N * N);

/// What every case here has: logits, a plan, the gradient of the plan (or the tangent of the logits), and a result.
template <class T, int N>
struct plans {
  using scalar = T;
  static constexpr bool matrix_case = true;
  static constexpr int K = N * N;

  std::ptrdiff_t size;
  T *logits, *plan, *direction, *out;

  template <class P>
  plans(memory& m, P const& projection, int sigma = 1, std::ptrdiff_t all = matrices)
      : size(all),
        logits(m.gaussian<T>(size * K)),
        plan(m.output<T>(size * K)),
        direction(m.gaussian<T>(size * K)),
        out(m.output<T>(size * K)) {
    std::for_each_n(logits, size * K, [sigma](T& z) { z *= T(sigma); });
    mhc::project(mhc::simd.with_threads(1), projection, mhc::vector_view<T const, K>{logits, size},
                 mhc::batch_view<T, N>{plan, size});
  }

  std::ptrdiff_t items() const { return size; }
  std::vector<output<T>> results(std::ptrdiff_t count) const { return {{out, count * K}}; }

  template <class Policy, class P>
  void project(Policy const& policy, P const& projection, std::ptrdiff_t count) const {
    mhc::project(policy, projection, mhc::vector_view<T const, K>{logits, count}, mhc::batch_view<T, N>{out, count});
  }
  template <class Policy, class P>
  void vjp(Policy const& policy, P const& projection, std::ptrdiff_t count) const {
    mhc::project_vjp(policy, projection, {logits, count}, mhc::batch_view<T const, N>{plan, count}, {direction, count},
                     {out, count});
  }
  template <class Policy, class P>
  void jvp(Policy const& policy, P const& projection, std::ptrdiff_t count) const {
    mhc::project_jvp(policy, projection, {logits, count}, mhc::batch_view<T const, N>{plan, count}, {direction, count},
                     {out, count});
  }
  /// out_b = f(logits_b, plan_b, direction_b).
  template <class F>
  void each(std::ptrdiff_t count, F&& f) const {
    for (std::ptrdiff_t b = 0; b < count; ++b) {
      naive::matrix<T, N> const z = naive::matrix_in<T, N>(logits + b * K);
      naive::matrix_out<T, N>(out + b * K) =
          f(z, naive::matrix_in<T, N>(plan + b * K), naive::matrix_in<T, N>(direction + b * K));
    }
  }
};

}  // namespace bench
