// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/error.hpp>
#include <mhc/math/exponential_kernel.hpp>
#include <mhc/math/gauge.hpp>
#include <mhc/math/sinkhorn.hpp>
#include <mhc/math/sinkhorn_adjoint.hpp>
#include <mhc/math/sinkhorn_two.hpp>

#include <string>

/// @file
/// Sinkhorn–Knopp is not one function: input map, order, denominator and orientation differ between publications, and
/// a trained model needs its own. A convention is a type that names one of them. It maps the N x N logits Z to H_res by
///   length(t)    how many rounds of (columns, rows), and whether the last row step is left out,
///   run(Z, f)    f(scheme, kernel): the kernel of the iteration and how lines are divided,
///   orient(P)    between H_res and the orientation of the iteration, an involution; a reference to P where they are one,
///   is_narrow(Z)  optional: whether `run` takes its fast way,
///   pull(Z, g)   ∂loss/∂Z from ∂loss/∂log K, and push(Z, d), δ log K from δZ.

MHC_BEGIN_LANES

namespace mhc {

namespace detail {

/// K = exp(Z − its column maxima), lines divided as the rule says; in potentials where Z is spread too wide.
template <class Rule, class V, int N, class F>
MHC_HD inline math::tile<V, N> run_exponential(Rule const& rule, math::tile<V, N> const& z, F const& f) {
  auto const shifted = math::below_column_maximum(z);
  auto result = f(math::scalings<Rule>{rule}, math::exponential(shifted));
  auto const wide = math::needs_potentials(shifted);
  auto const in_potentials = [&] { return f(math::potentials<Rule>{rule}, shifted); };
  if (math::lane<V>::any(wide)) math::assign_where(wide, result, math::rarely<V>(in_potentials));
  return result;
}

/// The iteration of plain division, in a gauge where that holds it. (g++ returns a variable without a copy only from the
/// outermost block.)
template <class V, int N, class F>
MHC_HD inline math::tile<V, N> run_division(math::tile<V, N> const& z, F const& f) {
  auto const in_general = [&] { return run_exponential(math::divide_by_sum{}, z, f); };
  auto const beyond = math::exceeds_gauge(math::in_gauge(z));
  auto result = f(math::gauge{}, math::kernel_in_gauge(z));
  if (math::lane<V>::any(beyond)) math::assign_where(beyond, result, math::rarely<V>(in_general));
  return result;
}
template <class V, class F>
MHC_HD inline math::tile<V, 1> run_division(math::tile<V, 1> const& z, F const& f) {
  return run_exponential(math::divide_by_sum{}, z, f);
}

inline void require_positive(char const* operation, char const* name, double value) {
  if (!(value > 0)) {
    throw option_error(std::string(operation) + ": sinkhorn.convention." + name + " is " + std::to_string(value) +
                       ", expected more than 0");
  }
}

}  // namespace detail

namespace convention {

/// exp; then t times (columns, rows), each divided by its sum. Rows of the plan are exact.
///
/// @see mHC, arXiv:2512.24880, eq. 8–9
struct paper {
  MHC_HD static math::sinkhorn_length length(int iterations) { return {iterations}; }

  template <class V, int N, class F>
  MHC_HD math::tile<V, N> run(math::tile<V, N> const& z, F const& f) const {
    return detail::run_division(z, f);
  }
  template <class V, int N>
  MHC_HD static bool is_narrow(math::tile<V, N> const& z) {
    return math::is_narrow(z);
  }
  template <class Tile>
  MHC_HD static Tile const& orient(Tile const& plan) {
    return plan;
  }
  template <class Tile>
  MHC_HD Tile const& pull(Tile const&, Tile const& g) const {
    return g;
  }
  template <class Tile>
  MHC_HD Tile const& push(Tile const&, Tile const& d) const {
    return d;
  }
};

/// exp(Z / temperature); then t times (rows, columns), each divided by its sum: columns first on the transpose. Columns
/// of the plan are exact. What the community's log-domain implementations compute, in whatever domain.
struct log_domain {
  double temperature = 1;

  MHC_HD static math::sinkhorn_length length(int iterations) { return {iterations}; }

  template <class V, int N, class F>
  MHC_HD math::tile<V, N> run(math::tile<V, N> const& z, F const& f) const {
    return detail::run_division(colder(z), f);
  }
  template <class V, int N>
  MHC_HD bool is_narrow(math::tile<V, N> const& z) const {
    return math::is_narrow(colder(z));
  }
  template <class V, int N>
  MHC_HD static math::tile<V, N> orient(math::tile<V, N> const& plan) {
    return math::transposed(plan);
  }
  template <class V, int N>
  MHC_HD math::tile<V, N> pull(math::tile<V, N> const&, math::tile<V, N> const& g) const {
    return colder(g);
  }
  template <class V, int N>
  MHC_HD math::tile<V, N> push(math::tile<V, N> const&, math::tile<V, N> const& d) const {
    return colder(d);
  }
  void validate(char const* operation) const { detail::require_positive(operation, "temperature", temperature); }

 private:
  template <class V, int N>
  MHC_HD math::tile<V, N> colder(math::tile<V, N> const& z) const {
    V const inverse(static_cast<math::scalar_of<V>>(1 / temperature));
    auto a = math::transposed(z);
    MHC_UNROLL for (int e = 0; e < N * N; ++e) a[e] = a[e] * inverse;
    return a;
  }
};

/// comb = softmax over the rows of Z, + ε on every entry; columns divided once; then t − 1 times (rows, columns); every
/// denominator is sum + ε. The model stores comb = H_resᵀ, so the plan is combᵀ.
///
/// @see the published model code of DeepSeek-V4 (hc_split_sinkhorn), hc_eps
struct deepseek_v4 {
  double epsilon = 1e-6;

  MHC_HD static math::sinkhorn_length length(int iterations) { return {iterations, true}; }

  template <class V, int N, class F>
  MHC_HD math::tile<V, N> run(math::tile<V, N> const& z, F const& f) const {
    return f(math::scalings<math::divide_by_sum_plus>{{epsilon}}, raised(math::row_softmax(z)));
  }
  template <class V, int N>
  MHC_HD static math::tile<V, N> orient(math::tile<V, N> const& plan) {
    return math::transposed(plan);
  }
  template <class V, int N>
  MHC_HD math::tile<V, N> pull(math::tile<V, N> const& z, math::tile<V, N> g) const {
    auto const s = math::row_softmax(z), k = raised(s);
    MHC_UNROLL for (int e = 0; e < N * N; ++e) g[e] = g[e] / k[e];
    return math::row_softmax_derivative(s, g);
  }
  template <class V, int N>
  MHC_HD math::tile<V, N> push(math::tile<V, N> const& z, math::tile<V, N> const& tangent) const {
    auto const s = math::row_softmax(z), k = raised(s);
    auto d = math::row_softmax_derivative(s, tangent);
    MHC_UNROLL for (int e = 0; e < N * N; ++e) d[e] = d[e] / k[e];
    return d;
  }
  void validate(char const* operation) const { detail::require_positive(operation, "epsilon", epsilon); }

 private:
  template <class V, int N>
  MHC_HD math::tile<V, N> raised(math::tile<V, N> s) const {
    MHC_UNROLL for (int e = 0; e < N * N; ++e) s[e] = s[e] + V(static_cast<math::scalar_of<V>>(epsilon));
    return s;
  }
};

/// exp(Z − row maximum); then t times (rows, columns), each divided by max(sum, ε): columns first on the transpose.
///
/// @see the mHC implementations in the lineage of Megatron-LM
struct megatron {
  double epsilon = 1e-6;

  MHC_HD static math::sinkhorn_length length(int iterations) { return {iterations}; }

  template <class V, int N, class F>
  MHC_HD math::tile<V, N> run(math::tile<V, N> const& z, F const& f) const {
    return detail::run_exponential(math::divide_by_sum_at_least{epsilon}, math::transposed(z), f);
  }
  template <class V, int N>
  MHC_HD static math::tile<V, N> orient(math::tile<V, N> const& plan) {
    return math::transposed(plan);
  }
  template <class V, int N>
  MHC_HD math::tile<V, N> pull(math::tile<V, N> const&, math::tile<V, N> const& g) const {
    return math::transposed(g);
  }
  template <class V, int N>
  MHC_HD math::tile<V, N> push(math::tile<V, N> const&, math::tile<V, N> const& d) const {
    return math::transposed(d);
  }
  void validate(char const* operation) const { detail::require_positive(operation, "epsilon", epsilon); }
};

}  // namespace convention
}  // namespace mhc

MHC_END_LANES
