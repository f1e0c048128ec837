// SPDX-License-Identifier: MIT
// One matrix whose order is known when the program runs; Eigen knows it when it is compiled. Logits N(0, 1).

#include "support/cases.hpp"
#include "support/naive_projection.hpp"

#include <mhc/ops/project_matrix/project_matrix.hpp>
#include <mhc/projections/sinkhorn.hpp>

#include <vector>

namespace {

template <class T, int N>
struct project_matrix_sinkhorn {
  using scalar = T;
  static constexpr bool matrix_case = true;
  static constexpr char const* name = "project_matrix/sinkhorn";
  static constexpr int iterations = static_cast<int>(bench::iterations);
  static constexpr mhc::sinkhorn<> projection{.iterations = iterations};
  static bench::work todo(bench::sizes const& s) { return {bench::project(s, sinkhorn_operations(s))}; }

  T *logits, *plan;
  mutable std::vector<double> workspace;

  project_matrix_sinkhorn(bench::memory& m, std::ptrdiff_t)
      : logits(m.gaussian<T>(N * N)),
        plan(m.output<T>(N * N)),
        workspace(static_cast<std::size_t>(mhc::project_workspace_size(projection, N))) {}
  static std::ptrdiff_t items() { return 1; }
  std::vector<bench::output<T>> results(std::ptrdiff_t) const { return {{plan, N * N}}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t) const {
    mhc::project(policy, projection, mhc::matrix_view<T const>{logits, N}, mhc::matrix_view<T>{plan, N}, workspace);
  }
  void run_naive(std::ptrdiff_t) const {
    naive::matrix_out<T, N>(this->plan) = naive::sinkhorn<T, N>(naive::matrix_in<T, N>(logits), iterations);
  }
};

[[maybe_unused]] bool const added = [] {
  bench::add<project_matrix_sinkhorn, double, 32>(0);
  bench::add<project_matrix_sinkhorn, double, 96>(0);
  return true;
}();

}  // namespace
