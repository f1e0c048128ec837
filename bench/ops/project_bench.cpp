// SPDX-License-Identifier: MIT
// Logits N(0, 1), 20 iterations, a batch that stays in cache. Exact projections also with logits N(0, 3²) and N(0, 10²).

#include "support/cases.hpp"
#include "support/naive_projection.hpp"

#include <mhc/ops/project/project.hpp>
#include <mhc/projections/entropic.hpp>
#include <mhc/projections/sinkhorn.hpp>

#include <algorithm>
#include <limits>

namespace {

constexpr int iterations = 20;
constexpr std::ptrdiff_t matrices = 8192;

/// What every case here has: logits, a plan, the gradient of the plan (or the tangent of the logits), and a result.
template <class T, int N>
struct plans {
  using scalar = T;
  static constexpr bool matrix_case = true;
  static constexpr int K = N * N;

  T *logits, *plan, *direction, *out;

  template <class P>
  plans(bench::memory& m, P const& projection, int sigma = 1)
      : logits(m.gaussian<T>(matrices * K)),
        plan(m.output<T>(matrices * K)),
        direction(m.gaussian<T>(matrices * K)),
        out(m.output<T>(matrices * K)) {
    std::for_each_n(logits, matrices * K, [sigma](T& z) { z *= T(sigma); });
    mhc::project(mhc::seq, projection, mhc::vector_view<T const, K>{logits, matrices},
                 mhc::batch_view<T, N>{plan, matrices});
  }

  static std::ptrdiff_t items() { return matrices; }
  std::vector<bench::output<T>> results(std::ptrdiff_t count) const { return {{out, count * K}}; }

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

template <class T, int N>
struct sinkhorn : plans<T, N> {
  static constexpr char const* name = "project/sinkhorn";
  static constexpr mhc::sinkhorn<> projection{.iterations = iterations};
  sinkhorn(bench::memory& m, std::ptrdiff_t) : plans<T, N>(m, projection) {}
  static bench::work todo(bench::sizes const& s) { return {bench::project(s, sinkhorn_operations(s))}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    this->project(policy, projection, count);
  }
  void run_naive(std::ptrdiff_t count) const {
    this->each(count, [](auto const& z, auto const&, auto const&) { return naive::sinkhorn<T, N>(z, iterations); });
  }
};

template <class T, int N>
struct sinkhorn_vjp_unrolled : plans<T, N> {
  static constexpr char const* name = "project/sinkhorn_vjp_unrolled";
  static constexpr mhc::sinkhorn<> projection{.iterations = iterations, .gradient = mhc::gradient::unrolled};
  sinkhorn_vjp_unrolled(bench::memory& m, std::ptrdiff_t) : plans<T, N>(m, projection) {}
  static bench::work todo(bench::sizes const& s) { return {bench::project_derivative(s, sinkhorn_vjp_operations(s))}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    this->vjp(policy, projection, count);
  }
  void run_naive(std::ptrdiff_t count) const {
    naive::sinkhorn_tape<T, N> tape(iterations);
    this->each(count, [&](auto const& z, auto const&, auto const& g) { return naive::sinkhorn_vjp<T, N>(z, g, tape); });
  }
};

template <class T, int N>
struct sinkhorn_vjp_implicit : plans<T, N> {
  static constexpr char const* name = "project/sinkhorn_vjp_implicit";
  static constexpr mhc::sinkhorn<> projection{.iterations = iterations, .gradient = mhc::gradient::implicit};
  sinkhorn_vjp_implicit(bench::memory& m, std::ptrdiff_t) : plans<T, N>(m, projection) {}
  static bench::work todo(bench::sizes const& s) { return {bench::project_derivative(s, implicit_operations(s))}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    this->vjp(policy, projection, count);
  }
  void run_naive(std::ptrdiff_t count) const {
    this->each(count, [](auto const&, auto const& p, auto const& g) { return naive::implicit_derivative<T, N>(p, g); });
  }
};

template <class T, int N>
struct sinkhorn_jvp_unrolled : plans<T, N> {
  static constexpr char const* name = "project/sinkhorn_jvp_unrolled";
  static constexpr mhc::sinkhorn<> projection{.iterations = iterations, .gradient = mhc::gradient::unrolled};
  sinkhorn_jvp_unrolled(bench::memory& m, std::ptrdiff_t) : plans<T, N>(m, projection) {}
  static bench::work todo(bench::sizes const& s) { return {bench::project_derivative(s, sinkhorn_jvp_operations(s))}; }

  template <class Policy>
  void run(Policy const& policy, std::ptrdiff_t count) const {
    this->jvp(policy, projection, count);
  }
  void run_naive(std::ptrdiff_t count) const {
    this->each(count,
               [](auto const& z, auto const&, auto const& d) { return naive::sinkhorn_jvp<T, N>(z, d, iterations); });
  }
};

/// Both to the same marginal error, Eigen by Newton's method after Sinkhorn's iteration. How many steps that takes
/// depends on the logits: there is no number of operations.
template <class T, int N, int Sigma>
struct entropic : plans<T, N> {
  static constexpr char const* name = Sigma == 1   ? "project/entropic/sigma:1"
                                      : Sigma == 3 ? "project/entropic/sigma:3"
                                                   : "project/entropic/sigma:10";
  static constexpr double tolerance = 8 * static_cast<double>(std::numeric_limits<T>::epsilon());
  static constexpr mhc::entropic projection{.tolerance = tolerance};
  entropic(bench::memory& m, std::ptrdiff_t) : plans<T, N>(m, projection, Sigma) {}
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
struct entropic_vjp : plans<T, N> {
  static constexpr char const* name = "project/entropic_vjp";
  static constexpr mhc::entropic projection{};
  entropic_vjp(bench::memory& m, std::ptrdiff_t) : plans<T, N>(m, projection) {}
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
    bench::add_matrix_cases<sinkhorn, sinkhorn_vjp_unrolled, sinkhorn_vjp_implicit, sinkhorn_jvp_unrolled, entropic_1,
                            entropic_3, entropic_10, entropic_vjp>();

}  // namespace
