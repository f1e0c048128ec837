// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/math/lane.hpp>
#include <mhc/math/tile.hpp>

#include <cmath>

/// @file
/// Sinkhorn–Knopp for ONE matrix in registers: columns, then rows, again and again. A convention that starts with rows
/// runs on the transpose.
///
/// The iterates are P = diag(u) K diag(v) with the kernel K fixed, so only the two scalings are kept. One step divides
/// each line by D(q), q = its sum:
///   v_j ← v_j / D(q_j), q_j = v_j Σ_i K_ij u_i;   u_i ← u_i / D(q_i), q_i = u_i Σ_j K_ij v_j;   u = v = 1 at the start.
/// A `rule` says what D is. Where K = exp(Z) would underflow, the same recurrence runs on the potentials f = log u,
/// g = log v. A `scheme` supplies the lines in which the two differ; everything else is one text.
///
/// R. Sinkhorn, P. Knopp, Pacific J. Math. 21 (1967) 343–348.

MHC_BEGIN_LANES

namespace mhc::math {

/// How much of δ log of the old scaling a step passes on, and of the line's δ: δf' = leak δf − slope Σ_j R_ij (δL_ij +
/// δg_j), where R is the scaled matrix after the step and L = log K.
template <class V>
struct step_derivative {
  V leak;
  V slope;
};

/// D(q) = q: lines sum to 1 exactly, and the old scaling is forgotten.
struct divide_by_sum {
  static constexpr bool forgets = true;
  template <class V>
  MHC_HD V next(V const&, V const& sum) const {
    return quotient(V(1), sum);
  }
  template <class V>
  MHC_HD V next_log(V const&, V const& log_sum) const {
    return -log_sum;
  }
};

/// D(q) = q + ε.
struct divide_by_sum_plus {
  double epsilon;
  static constexpr bool forgets = false;
  template <class V>
  MHC_HD V next(V const& old, V const& sum) const {
    return quotient(old, old * sum + V(static_cast<scalar_of<V>>(epsilon)));
  }
  template <class V>
  MHC_HD step_derivative<V> derivative(V const& old, V const& sum) const {
    V const e(static_cast<scalar_of<V>>(epsilon));
    return {e / (old * sum + e), V(1)};
  }
};

/// D(q) = max(q, ε).
struct divide_by_sum_at_least {
  double epsilon;
  static constexpr bool forgets = false;
  template <class V>
  MHC_HD V next(V const& old, V const& sum) const {
    return quotient(old, maximum<V>(old * sum, V(static_cast<scalar_of<V>>(epsilon))));
  }
  template <class V>
  MHC_HD step_derivative<V> derivative(V const& old, V const& sum) const {
    auto const clamped = less<V>(old * sum, V(static_cast<scalar_of<V>>(epsilon)));
    return {select<V>(clamped, V(1), V(0)), select<V>(clamped, V(0), V(1))};
  }
  template <class V>
  MHC_HD V next_log(V const& old, V const& log_sum) const {
    return minimum<V>(-log_sum, old - log_epsilon<V>());
  }
  template <class V>
  MHC_HD step_derivative<V> derivative_log(V const& old, V const& log_sum) const {
    auto const clamped = less<V>(old + log_sum, log_epsilon<V>());
    return {select<V>(clamped, V(1), V(0)), select<V>(clamped, V(0), V(1))};
  }

 private:
  template <class V>
  MHC_HD V log_epsilon() const {
    using std::log;
    return V(static_cast<scalar_of<V>>(log(epsilon)));
  }
};

/// Scalings u, v of a kernel K.
template <class Rule>
struct scalings {
  Rule rule;
  static constexpr bool forgets = Rule::forgets;

  template <class V>
  MHC_HD static V neutral() {
    return V(1);
  }
  /// The entry of diag(u) K diag(v).
  template <class V>
  MHC_HD static V entry(V const& kernel, V const& u, V const& v) {
    return (kernel * u) * v;
  }
  template <class V, int N>
  MHC_HD V next(V const& old, vec<V, N> const& line, vec<V, N> const& other) const {
    return rule.next(old, sum(line, other));
  }
  template <class V, int N>
  MHC_HD step_derivative<V> derivative(V const& old, vec<V, N> const& line, vec<V, N> const& other) const {
    return rule.derivative(old, sum(line, other));
  }

 private:
  template <class V, int N>
  MHC_HD static V sum(vec<V, N> const& line, vec<V, N> const& other) {
    V total = line[0] * other[0];
    MHC_UNROLL for (int l = 1; l < N; ++l) total = total + line[l] * other[l];
    return total;
  }
};

/// Potentials f = log u, g = log v of the logits L = log K themselves: nothing overflows or loses a line.
template <class Rule>
struct potentials {
  Rule rule;
  static constexpr bool forgets = Rule::forgets;

  template <class V>
  MHC_HD static V neutral() {
    return V(0);
  }
  template <class V>
  MHC_HD static V entry(V const& logit, V const& f, V const& g) {
    using std::exp;
    return exp((logit + f) + g);
  }
  template <class V, int N>
  MHC_HD V next(V const& old, vec<V, N> const& line, vec<V, N> const& other) const {
    return rule.next_log(old, log_sum(line, other));
  }
  template <class V, int N>
  MHC_HD step_derivative<V> derivative(V const& old, vec<V, N> const& line, vec<V, N> const& other) const {
    return rule.derivative_log(old, log_sum(line, other));
  }

 private:
  /// log Σ_l exp(line_l + other_l), shifted by the largest term.
  template <class V, int N>
  MHC_HD static V log_sum(vec<V, N> const& line, vec<V, N> const& other) {
    using std::exp;
    using std::log;
    vec<V, N> term;
    MHC_UNROLL for (int l = 0; l < N; ++l) term[l] = line[l] + other[l];
    V top = term[0];
    MHC_UNROLL for (int l = 1; l < N; ++l) top = maximum(top, term[l]);
    V sum = exp(term[0] - top);
    MHC_UNROLL for (int l = 1; l < N; ++l) sum = sum + exp(term[l] - top);
    return top + log(sum);
  }
};

/// How often, and whether the last round leaves its row step out.
struct sinkhorn_length {
  int rounds;
  bool ends_after_columns = false;

  MHC_HD bool has_rows(int round) const { return !(ends_after_columns && round == rounds - 1); }
};

template <class V, int N>
struct sinkhorn_scalings {
  vec<V, N> u, v;
};

/// u and v before the first step.
template <class Scheme, class V, int N>
MHC_HD inline sinkhorn_scalings<V, N> starting_scalings(Scheme const&, tile<V, N> const&) {
  auto const neutral = filled<N>(Scheme::template neutral<V>());
  return {neutral, neutral};
}

template <class Scheme, class V, int N>
MHC_HD inline void step_columns(Scheme const& scheme, tile<V, N> const& kernel, vec<V, N> const& u, vec<V, N>& v) {
  MHC_UNROLL for (int j = 0; j < N; ++j) v[j] = scheme.next(v[j], column_of(kernel, j), u);
}

template <class Scheme, class V, int N>
MHC_HD inline void step_rows(Scheme const& scheme, tile<V, N> const& kernel, vec<V, N> const& v, vec<V, N>& u) {
  MHC_UNROLL for (int i = 0; i < N; ++i) u[i] = scheme.next(u[i], row_of(kernel, i), v);
}

/// diag(u) K diag(v).
template <class Scheme, class V, int N>
MHC_HD inline tile<V, N> scaled(tile<V, N> const& kernel, vec<V, N> const& u, vec<V, N> const& v) {
  tile<V, N> p;
  MHC_UNROLL for (int i = 0; i < N; ++i) MHC_UNROLL for (int j = 0; j < N; ++j) p.at[i][j] =
      Scheme::entry(kernel.at[i][j], u[i], v[j]);
  return p;
}

template <class Scheme, class V, int N>
MHC_HD inline tile<V, N> sinkhorn(Scheme const& scheme, tile<V, N> const& kernel, sinkhorn_length length) {
  auto [u, v] = starting_scalings(scheme, kernel);
  for (int t = 0; t < length.rounds; ++t) {
    step_columns(scheme, kernel, u, v);
    if (length.has_rows(t)) step_rows(scheme, kernel, v, u);
  }
  return scaled<Scheme>(kernel, u, v);
}

}  // namespace mhc::math

MHC_END_LANES
