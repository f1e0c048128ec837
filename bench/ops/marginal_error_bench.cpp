// SPDX-License-Identifier: MIT
// Sinkhorn plans of 20 iterations, a batch that stays in cache.

#include "support/cases.hpp"
#include "support/naive_projection.hpp"

#include <mhc/ops/marginal_error/marginal_error.hpp>
#include <mhc/ops/project/project.hpp>
#include <mhc/projections/sinkhorn.hpp>

namespace {

constexpr std::ptrdiff_t matrices = 8192;

template <class T, int N>
struct marginal_error {
  using scalar = T;
  static constexpr char const* name = "marginal_error/forward";
  static constexpr bool matrix_case = true;
  static bench::work todo(bench::sizes const& s) { return {bench::marginal_error(s)}; }

  T *plan, *error;

  marginal_error(bench::memory& m, std::ptrdiff_t)
      : plan(m.gaussian<T>(matrices * N * N)), error(m.output<T>(matrices)) {
    for (std::ptrdiff_t k = 0; k < matrices * N * N; ++k) plan[k] = T(3) * plan[k];  // far from converged
    mhc::project(mhc::seq, mhc::sinkhorn<>{}, {plan, matrices}, mhc::batch_view<T, N>{plan, matrices});
  }

  static std::ptrdiff_t items() { return matrices; }
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const { return {{error, count}}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    mhc::marginal_error(policy, mhc::batch_view<T const, N>{plan, count}, {error, count});
  }
  void run_naive(std::ptrdiff_t count) const {
    for (std::ptrdiff_t b = 0; b < count; ++b)
      error[b] = naive::marginal_error<T, N>(naive::matrix_in<T, N>(plan + b * N * N));
  }
};

[[maybe_unused]] bool const added = bench::add_matrix_cases<marginal_error>();

}  // namespace
