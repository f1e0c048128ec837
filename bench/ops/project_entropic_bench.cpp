// SPDX-License-Identifier: MIT
// Exact projections, also with logits N(0, 3²) and N(0, 10²).

#include "support/plans.hpp"

#include <mhc/projections/entropic.hpp>

#include <limits>

namespace {

/// Both to the same marginal error, Eigen by Newton's method after Sinkhorn's iteration. How many steps that takes
/// depends on the logits: there is no number of operations.
template <class T, int N, int Sigma>
struct entropic : bench::plans<T, N> {
  static constexpr char const* name = Sigma == 1   ? "project/entropic/sigma:1"
                                      : Sigma == 3 ? "project/entropic/sigma:3"
                                                   : "project/entropic/sigma:10";
  static constexpr double tolerance = 8 * static_cast<double>(std::numeric_limits<T>::epsilon());
  static constexpr mhc::entropic projection{.tolerance = tolerance};
  entropic(bench::memory& m, std::ptrdiff_t) : bench::plans<T, N>(m, projection, Sigma) {}
  static bench::work todo(bench::sizes const& s) { return {bench::project(s, 0)}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    this->project(policy, projection, count);
  }
  void run_naive(std::ptrdiff_t count) const {
    this->each(count, [](auto const& z, auto const&, auto const&) { return naive::exact<T, N>(z, tolerance); });
  }
};
template <class T, int N>
using entropic_1 = entropic<T, N, 1>;
template <class T, int N>
using entropic_3 = entropic<T, N, 3>;
template <class T, int N>
using entropic_10 = entropic<T, N, 10>;

template <class T, int N>
struct entropic_vjp : bench::plans<T, N> {
  static constexpr char const* name = "project/entropic_vjp";
  static constexpr mhc::entropic projection{};
  entropic_vjp(bench::memory& m, std::ptrdiff_t) : bench::plans<T, N>(m, projection) {}
  static bench::work todo(bench::sizes const& s) { return {bench::project_derivative(s, implicit_operations(s))}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    this->vjp(policy, projection, count);
  }
  void run_naive(std::ptrdiff_t count) const {
    this->each(count, [](auto const&, auto const& p, auto const& g) { return naive::implicit_derivative<T, N>(p, g); });
  }
};

[[maybe_unused]] bool const added = bench::add_matrix_cases<entropic_1, entropic_3, entropic_10, entropic_vjp>();

}  // namespace
