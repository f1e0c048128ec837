// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <vector>

/// @file
/// What an operation has to do per token or matrix, by formula: the elements it must read and write, each once, and its
/// floating-point operations. Shares of the machine's limits rest on these numbers alone.
///
/// Parameters that all tokens share (φ, α, b) stay in cache and do not count as read. An addition, a multiplication, a
/// division and an exponential are one operation each, although a processor does the last two at a fraction of its peak:
/// a projection cannot reach 100 %.

namespace bench {

/// One pass over the memory of a token.
struct pass {
  double read = 0, written = 0, operations = 0;
};

constexpr pass operator+(pass const& a, pass const& b) {
  return {a.read + b.read, a.written + b.written, a.operations + b.operations};
}

/// Passes with something opaque between them, such as the layer F: none can hide behind another.
using work = std::vector<pass>;

constexpr double iterations = 20;  ///< of Sinkhorn, everywhere in the benchmarks

/// n streams, C channels.
struct sizes {
  double n = 0, C = 0;

  constexpr double entries() const { return n * n; }         ///< of H_res
  constexpr double scores() const { return n * n + 2 * n; }  ///< products with φ per token
  constexpr double streams() const { return n * C; }         ///< elements of x
};

// Projections: K = exp(Z), then u ← 1/(K v) and v ← 1/(Kᵀ u), 2n² operations each, then P = diag(u) K diag(v).

constexpr double sinkhorn_operations(sizes const& s) { return (4 * iterations + 3) * s.entries(); }

/// Forward once more, then 4n² for the adjoint of each half of an iteration, 7n² for those of P and K.
constexpr double sinkhorn_vjp_operations(sizes const& s) { return (12 * iterations + 8) * s.entries(); }

/// Forward with 4n² more for the tangent of each half of an iteration, 6n² for those of K and P.
constexpr double sinkhorn_jvp_operations(sizes const& s) { return (12 * iterations + 9) * s.entries(); }

/// P∘(G − α⊕β): Schur complement n³, its Cholesky factor n³/3, sums, right sides, substitutions and result 11n².
constexpr double implicit_operations(sizes const& s) { return 4 * s.n * s.n * s.n / 3 + 11 * s.entries(); }

constexpr pass project(sizes const& s, double operations) { return {s.entries(), s.entries(), operations}; }
constexpr pass project_derivative(sizes const& s, double operations) {
  return {2 * s.entries(), s.entries(), operations};
}
constexpr pass marginal_error(sizes const& s) { return {s.entries(), 1, 2 * s.entries() + 2 * s.n}; }

// Streams

constexpr pass aggregate(sizes const& s) { return {s.n + s.streams(), s.C, 2 * s.streams()}; }
constexpr pass aggregate_vjp(sizes const& s) { return {s.n + s.streams() + s.C, s.n + s.streams(), 3 * s.streams()}; }

constexpr pass mix(sizes const& s) {
  return {s.entries() + s.n + s.streams() + s.C, s.streams(), 2 * (s.n + 1) * s.streams()};
}
constexpr pass mix_vjp(sizes const& s) {
  return {s.entries() + s.n + 2 * s.streams() + s.C, s.entries() + s.n + s.streams() + s.C,
          4 * (s.n + 1) * s.streams()};
}

constexpr pass expand(sizes const& s) { return {s.C, s.streams(), 0}; }
constexpr pass expand_vjp(sizes const& s) { return {s.streams(), s.C, s.streams()}; }
constexpr pass mean(sizes const& s) { return {s.streams(), s.C, s.streams()}; }
constexpr pass mean_vjp(sizes const& s) { return {s.C, s.streams(), s.C}; }

// Products with φ: one multiplication and one addition per element of x and score, and as much for Σ x². A gradient
// computes the scores once more, then as many for x and for φ.

constexpr double score_operations(sizes const& s, double scores) { return 2 * (scores + 1) * s.streams(); }
constexpr double gradient_operations(sizes const& s, double scores) { return (6 * scores + 4) * s.streams(); }

constexpr pass coefficients(sizes const& s) {
  return {s.streams(), s.scores(), score_operations(s, s.scores()) + sinkhorn_operations(s)};
}
constexpr pass coefficients_vjp(sizes const& s) {
  return {s.streams() + s.scores(), s.streams(), gradient_operations(s, s.scores()) + sinkhorn_vjp_operations(s)};
}
constexpr pass pre(sizes const& s) { return coefficients(s) + pass{0, s.C, 2 * s.streams()}; }
/// ∂H_pre comes from ∂u and is not read; ∂u·x and H_preᵀ ∂u are 2nC each.
constexpr pass pre_vjp(sizes const& s) { return coefficients_vjp(s) + pass{s.C - s.n, 0, 4 * s.streams()}; }

/// Scores and an inverse norm that forward keeps, and what that changes for the gradient.
constexpr pass keeps_scores(sizes const& s) { return {0, s.scores() + 1, 0}; }
constexpr pass kept_scores(sizes const& s) { return {s.scores() + 1, 0, -score_operations(s, s.scores())}; }

/// x' is not read back, nor is the sum of its gradients.
constexpr pass mix_pre(sizes const& s) { return mix(s) + pre(s) + pass{-s.streams(), 0, 0}; }
constexpr pass mix_pre_vjp(sizes const& s) { return pre_vjp(s) + mix_vjp(s) + pass{0, 0, s.streams()}; }

constexpr pass head(sizes const& s) { return {s.streams(), s.n + s.C, score_operations(s, s.n) + 2 * s.streams()}; }
constexpr pass head_vjp(sizes const& s) {
  return {s.streams() + s.C, s.streams(), gradient_operations(s, s.n) + 4 * s.streams()};
}

// A layer around an opaque F. Backward, pre_vjp adds to the ∂x of mix_vjp, which it therefore reads, and has the scores.

inline work layer(sizes const& s) { return {pre(s), mix(s)}; }
inline work layer_keeping_scores(sizes const& s) { return {pre(s) + keeps_scores(s), mix(s)}; }
inline work layer_vjp(sizes const& s) {
  return {mix_vjp(s), pre_vjp(s) + kept_scores(s) + pass{s.streams(), 0, s.streams()}};
}

inline work operator+(work a, work const& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}
inline work times(int count, work const& w) {
  work all;
  for (int i = 0; i < count; ++i) all.insert(all.end(), w.begin(), w.end());
  return all;
}

}  // namespace bench
