// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/geometry/matrix.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <random>
#include <string>
#include <type_traits>
#include <vector>

/// @file
/// Doubly stochastic matrices drawn uniformly from the polytope: the measure is the volume of its (n−1)² dimensions.
/// The numbers depend on the generator and on + − × ÷ alone, not on the standard library's distributions.

namespace mhc {

/// Order up to which `sample_polytope` rejects; above, a sample costs millions of proposals.
inline constexpr int largest_rejection_order = 4;

namespace detail {

/// A multiple of 2⁻⁵³ in [0, 1), from the leading bits of the generator's numbers.
template <std::uniform_random_bit_generator G>
double unit_interval(G& generator) {
  constexpr auto range = static_cast<std::uint64_t>(G::max()) - static_cast<std::uint64_t>(G::min());
  constexpr bool whole = range == std::numeric_limits<std::uint64_t>::max();
  constexpr int bits = whole ? 64 : std::bit_width(range + 1) - 1;  // numbers from 2^bits on are drawn again
  static_assert(bits >= 1, "mhc: a generator must have at least two values");
  std::uint64_t word = 0;
  for (int have = 0; have < 53;) {
    auto const number = static_cast<std::uint64_t>(generator()) - static_cast<std::uint64_t>(G::min());
    if constexpr (!whole) {
      if (number >> bits != 0) continue;
    }
    int const take = std::min(bits, 53 - have);
    word = (word << take) | (number >> (bits - take));
    have += take;
  }
  return static_cast<double>(word) * 0x1p-53;
}

/// Draws the first n−1 rows and columns from the unit cube and completes the sums; is the result in the polytope?
template <class G>
bool propose(G& generator, int n, std::vector<double>& a) {
  std::fill(a.begin(), a.end(), 1.0);
  for (int i = 0; i + 1 < n; ++i)
    for (int j = 0; j + 1 < n; ++j) {
      double const x = unit_interval(generator);
      a[at(n, i, j)] = x;
      a[at(n, i, n - 1)] -= x;
      a[at(n, n - 1, j)] -= x;
    }
  for (int i = 0; i + 1 < n; ++i) {
    if (a[at(n, i, n - 1)] < 0 || a[at(n, n - 1, i)] < 0) return false;
    a[at(n, n - 1, n - 1)] -= a[at(n, i, n - 1)];
  }
  return a[at(n, n - 1, n - 1)] >= 0;
}

/// One of 0 … n−1; from 53 bits, so that the bias is below n·2⁻⁵³.
template <class G>
int draw_index(G& generator, int n) {
  return static_cast<int>(unit_interval(generator) * n);
}

/// Draws two rows and two columns, and moves to a uniform point of the chord along which the four entries where they
/// cross change by +t, −t; −t, +t.
template <class G>
void move_on_rectangle(G& generator, int n, std::vector<double>& a) {
  int const i = draw_index(generator, n), j = draw_index(generator, n);
  int const k = (i + 1 + draw_index(generator, n - 1)) % n, l = (j + 1 + draw_index(generator, n - 1)) % n;
  auto &ij = a[at(n, i, j)], &il = a[at(n, i, l)], &kj = a[at(n, k, j)], &kl = a[at(n, k, l)];
  double const down = std::min(ij, kl), up = std::min(il, kj);
  double const t = (down + up) * unit_interval(generator) - down;
  ij = std::max(0.0, ij + t);
  kl = std::max(0.0, kl + t);
  il = std::max(0.0, il - t);
  kj = std::max(0.0, kj - t);
}

template <class T>
void assign(std::vector<double> const& a, matrix_view<T> const& m) {
  for (std::size_t k = 0; k < a.size(); ++k) m.data[k] = static_cast<T>(a[k]);
}

}  // namespace detail

/// Default number of steps of hit-and-run per sample, 10·n³. Measured up to n = 48, even from a vertex a quarter of it
/// leaves no bias in the mean of the diagonal and of the squared entries.
constexpr std::ptrdiff_t hit_and_run_steps(int order) {
  return 10 * static_cast<std::ptrdiff_t>(order) * order * order;
}

/// One uniform sample by rejection: the leading (n−1)² block is drawn from the unit cube until all is non-negative.
///
/// Shapes      plan (n, n), in host memory; n ≤ 4.
/// Result      independent and exactly uniform. Returns the number of proposals; the reciprocal of their mean is the
///             volume of the polytope in these coordinates: 1, 1/8 and 11/11340 for n = 2, 3 and 4.
/// Memory      allocates n² doubles.
///
/// @param generator  any uniform random bit generator; equal seeds give equal samples everywhere, up to contraction of
///                   multiplication and addition by the compiler
/// @throws mhc::shape_error  the plan is null, misaligned, empty, or n > 4; nothing is written
/// @see C. Chan, D. Robbins, Experiment. Math. 8 (1999) 291–300 for the volumes.
template <std::uniform_random_bit_generator G, scalar T>
std::ptrdiff_t sample_by_rejection(G& generator, matrix_view<T> plan) {
  detail::check_matrix("mhc::sample_by_rejection", "plan", plan);
  if (plan.order > largest_rejection_order) {
    detail::refuse("mhc::sample_by_rejection", "plan has order " + std::to_string(plan.order) + ", expected at most " +
                                                   std::to_string(largest_rejection_order));
  }
  std::vector<double> a(detail::at(plan.order, plan.order, 0));
  std::ptrdiff_t proposals = 1;
  while (!detail::propose(generator, plan.order, a)) ++proposals;
  detail::assign(a, plan);
  return proposals;
}

/// `steps` steps of hit-and-run from the plan: each draws two rows and two columns, and moves to a uniform point of the
/// chord along which the four entries where they cross change by ±t.
///
/// These n²(n−1)²/4 directions span the tangent space, and their chords do not shrink as the faces of all n² entries
/// would make those of a direction without zeros.
///
/// Shapes      plan (n, n), in host memory; read and written.
/// Result      the law of the plan tends to uniform with the number of steps, and stays uniform if it was; consecutive
///             results are correlated. Sums drift by rounding only.
/// Memory      allocates n² doubles.
///
/// @param generator  any uniform random bit generator
/// @throws mhc::shape_error   the plan is null, misaligned or empty
/// @throws mhc::option_error  steps < 0
/// @see R. L. Smith, Oper. Res. 32 (1984) 1296–1308; C. J. P. Bélisle, H. E. Romeijn, R. L. Smith, Math. Oper. Res. 18
///      (1993) 255–266 for directions of any law; P. Diaconis, A. Gangolli, IMA Vol. Math. Appl. 72 (1995) 15–41 for
///      these.
template <std::uniform_random_bit_generator G, scalar T>
void hit_and_run(G& generator, matrix_view<T> plan, std::ptrdiff_t steps) {
  detail::check_matrix("mhc::hit_and_run", "plan", plan);
  if (steps < 0) throw option_error("mhc::hit_and_run: steps is " + std::to_string(steps) + ", expected 0 or more");
  auto a = detail::widened(plan);
  for (std::ptrdiff_t k = 0; k < steps && plan.order > 1; ++k) detail::move_on_rectangle(generator, plan.order, a);
  detail::assign(a, plan);
}

/// A sample from the uniform distribution on the Birkhoff polytope: by rejection for n ≤ 4; above, by hit-and-run from
/// the average matrix J/n.
///
/// Shapes      plan (n, n), in host memory.
/// Result      independent of earlier samples; exactly uniform for n ≤ 4, above up to the mixing of `steps` steps.
/// Memory      allocates n² doubles.
///
/// @param generator  any uniform random bit generator
/// @param steps      of hit-and-run, 0 stands for hit_and_run_steps(n); without effect for n ≤ 4
/// @throws mhc::shape_error   the plan is null, misaligned or empty; nothing is written
/// @throws mhc::option_error  steps < 0; nothing is written
template <std::uniform_random_bit_generator G, scalar T>
void sample_polytope(G& generator, matrix_view<T> plan, std::ptrdiff_t steps = 0) {
  detail::check_matrix("mhc::sample_polytope", "plan", plan);
  if (steps < 0) throw option_error("mhc::sample_polytope: steps is " + std::to_string(steps) + ", expected 0 or more");
  if (plan.order <= largest_rejection_order) {
    sample_by_rejection(generator, plan);
    return;
  }
  std::vector<double> a(detail::at(plan.order, plan.order, 0), 1.0 / plan.order);
  hit_and_run(generator, matrix_view<double>{a.data(), plan.order}, steps > 0 ? steps : hit_and_run_steps(plan.order));
  detail::assign(a, plan);
}

/// The same for every matrix of a batch.
///
/// @throws mhc::shape_error   plans is null or misaligned; nothing is written
/// @throws mhc::option_error  steps < 0; nothing is written
template <std::uniform_random_bit_generator G, scalar T, int N>
void sample_polytope(G& generator, batch_view<T, N> plans, std::ptrdiff_t steps = 0) {
  detail::check("mhc::sample_polytope", {detail::writes("plans", plans)});
  for (std::ptrdiff_t b = 0; b < plans.size; ++b) sample_polytope(generator, matrix_at(plans, b), steps);
}

}  // namespace mhc
