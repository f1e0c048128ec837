// SPDX-License-Identifier: MIT
// Derivatives through Sinkhorn's iteration: a file of its own, because g++ takes minutes for it.

#include "support/plans.hpp"

#include <mhc/projections/sinkhorn.hpp>

namespace {

template <class T, int N>
struct sinkhorn_vjp_unrolled : bench::plans<T, N> {
  static constexpr char const* name = "project/sinkhorn_vjp_unrolled";
  static constexpr mhc::sinkhorn<> projection{.iterations = bench::sinkhorn_iterations,
                                              .gradient = mhc::gradient::unrolled};
  sinkhorn_vjp_unrolled(bench::memory& m, std::ptrdiff_t, std::ptrdiff_t all = bench::matrices)
      : bench::plans<T, N>(m, projection, 1, all) {}
  static bench::work todo(bench::sizes const& s) { return {bench::project_derivative(s, sinkhorn_vjp_operations(s))}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    this->vjp(policy, projection, count);
  }
  void run_naive(std::ptrdiff_t count) const {
    naive::sinkhorn_tape<T, N> tape(bench::sinkhorn_iterations);
    this->each(count, [&](auto const& z, auto const&, auto const& g) { return naive::sinkhorn_vjp<T, N>(z, g, tape); });
  }
};

template <class T, int N>
struct sinkhorn_vjp_unrolled_of_many : sinkhorn_vjp_unrolled<T, N> {
  static constexpr char const* name = "project/many_vjp_unrolled";
  sinkhorn_vjp_unrolled_of_many(bench::memory& m, std::ptrdiff_t c)
      : sinkhorn_vjp_unrolled<T, N>(m, c, bench::many_matrices<N>) {}
};

template <class T, int N>
struct sinkhorn_jvp_unrolled : bench::plans<T, N> {
  static constexpr char const* name = "project/sinkhorn_jvp_unrolled";
  static constexpr mhc::sinkhorn<> projection{.iterations = bench::sinkhorn_iterations,
                                              .gradient = mhc::gradient::unrolled};
  sinkhorn_jvp_unrolled(bench::memory& m, std::ptrdiff_t) : bench::plans<T, N>(m, projection) {}
  static bench::work todo(bench::sizes const& s) { return {bench::project_derivative(s, sinkhorn_jvp_operations(s))}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    this->jvp(policy, projection, count);
  }
  void run_naive(std::ptrdiff_t count) const {
    this->each(count, [](auto const& z, auto const&, auto const& d) {
      return naive::sinkhorn_jvp<T, N>(z, d, bench::sinkhorn_iterations);
    });
  }
};

[[maybe_unused]] bool const added = (bench::add_matrix_cases<sinkhorn_vjp_unrolled, sinkhorn_jvp_unrolled>(),
                                     bench::add_many_cases<sinkhorn_vjp_unrolled_of_many>());

}  // namespace
