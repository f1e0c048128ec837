// SPDX-License-Identifier: MIT
// Sinkhorn's iteration, and its gradient from the plan.

#include "support/plans.hpp"

#include <mhc/projections/sinkhorn.hpp>

namespace {

template <class T, int N>
struct sinkhorn : bench::plans<T, N> {
  static constexpr char const* name = "project/sinkhorn";
  static constexpr mhc::sinkhorn<> projection{.iterations = bench::sinkhorn_iterations};
  sinkhorn(bench::memory& m, std::ptrdiff_t, std::ptrdiff_t all = bench::matrices)
      : bench::plans<T, N>(m, projection, 1, all) {}
  static bench::work todo(bench::sizes const& s) { return {bench::project(s, sinkhorn_operations(s))}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    this->project(policy, projection, count);
  }
  void run_naive(std::ptrdiff_t count) const {
    this->each(count, [](auto const& z, auto const&, auto const&) {
      return naive::sinkhorn<T, N>(z, bench::sinkhorn_iterations);
    });
  }
};

template <class T, int N>
struct sinkhorn_of_many : sinkhorn<T, N> {
  static constexpr char const* name = "project/many";
  sinkhorn_of_many(bench::memory& m, std::ptrdiff_t c) : sinkhorn<T, N>(m, c, bench::many_matrices<N>) {}
};

template <class T, int N>
struct sinkhorn_vjp_implicit : bench::plans<T, N> {
  static constexpr char const* name = "project/sinkhorn_vjp_implicit";
  static constexpr mhc::sinkhorn<> projection{.iterations = bench::sinkhorn_iterations,
                                              .gradient = mhc::gradient::implicit};
  sinkhorn_vjp_implicit(bench::memory& m, std::ptrdiff_t) : bench::plans<T, N>(m, projection) {}
  static bench::work todo(bench::sizes const& s) { return {bench::project_derivative(s, implicit_operations(s))}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    this->vjp(policy, projection, count);
  }
  void run_naive(std::ptrdiff_t count) const {
    this->each(count, [](auto const&, auto const& p, auto const& g) { return naive::implicit_derivative<T, N>(p, g); });
  }
};

[[maybe_unused]] bool const added =
    (bench::add_matrix_cases<sinkhorn, sinkhorn_vjp_implicit>(), bench::add_many_cases<sinkhorn_of_many>());

}  // namespace
