// SPDX-License-Identifier: MIT
#pragma once

// The published iterations that differ from the paper's, as they are printed: plain loops that rewrite the matrix, sharing
// no line with include/mhc. Each takes logits (long double, or complex for derivatives by the complex step) and the
// order n, and returns H_res.

#include "support/reference.hpp"

#include <cmath>

namespace mhc::test::reference {

/// Every line divided by D(its sum); by_row says which lines.
template <class S, class Denominator>
void divide_lines(array<S>& p, index n, bool by_row, Denominator const& d) {
  for (index i = 0; i < n; ++i) {
    S sum = 0;
    for (index j = 0; j < n; ++j) sum += by_row ? p[i * n + j] : p[j * n + i];
    for (index j = 0; j < n; ++j) (by_row ? p[i * n + j] : p[j * n + i]) /= d(sum);
  }
}

/// exp(Z / temperature − row maximum).
template <class S>
array<S> exponentials(array<S> const& z, index n, real temperature = 1) {
  array<S> p(n * n);
  for (index i = 0; i < n; ++i) {
    real top = real_part(z[i * n]);
    for (index j = 1; j < n; ++j) top = std::max(top, real_part(z[i * n + j]));
    for (index j = 0; j < n; ++j) p[i * n + j] = std::exp((z[i * n + j] - top) / temperature);
  }
  return p;
}

/// comb = softmax(Z) + ε; comb /= column sum + ε; then t − 1 times rows, columns; H_res = combᵀ.
struct deepseek_v4 {
  int iterations = 20;
  real epsilon = 1e-6L;

  template <class S>
  array<S> operator()(array<S> const& z, index n) const {
    auto const sum = [](S const& s) { return s; };
    auto const raised = [this](S const& s) { return s + S(epsilon); };
    auto comb = exponentials(z, n);
    divide_lines(comb, n, true, sum);
    for (auto& entry : comb) entry += S(epsilon);
    divide_lines(comb, n, false, raised);
    for (int t = 1; t < iterations; ++t) {
      divide_lines(comb, n, true, raised);
      divide_lines(comb, n, false, raised);
    }
    array<S> plan(n * n);
    for (index i = 0; i < n; ++i)
      for (index j = 0; j < n; ++j) plan[j * n + i] = comb[i * n + j];
    return plan;
  }
};

/// exp(Z − row maximum), then rows and columns divided by max(sum, ε).
struct megatron {
  int iterations = 20;
  real epsilon = 1e-6L;

  template <class S>
  array<S> operator()(array<S> const& z, index n) const {
    auto const clamped = [this](S const& s) { return real_part(s) < epsilon ? S(epsilon) : s; };
    auto p = exponentials(z, n);
    for (int t = 0; t < iterations; ++t) {
      divide_lines(p, n, true, clamped);
      divide_lines(p, n, false, clamped);
    }
    return p;
  }
};

/// exp(Z / τ), then rows and columns divided by their sums.
struct log_domain {
  int iterations = 20;
  real temperature = 1;

  template <class S>
  array<S> operator()(array<S> const& z, index n) const {
    auto const sum = [](S const& s) { return s; };
    auto p = exponentials(z, n, temperature);
    for (int t = 0; t < iterations; ++t) {
      divide_lines(p, n, true, sum);
      divide_lines(p, n, false, sum);
    }
    return p;
  }
};

/// exp(Z), then columns and rows.
struct paper {
  int iterations = 20;

  template <class S>
  array<S> operator()(array<S> const& z, index n) const {
    return sinkhorn(z, n, iterations);
  }
};

}  // namespace mhc::test::reference
