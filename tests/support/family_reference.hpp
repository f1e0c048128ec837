// SPDX-License-Identifier: MIT
#pragma once

// The definitions of the families of residual mixing, in plain loops, sharing no line with include/mhc. Each is a
// function of logits (long double, or complex for derivatives by the complex step) and the order n.

#include "support/reference.hpp"

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <stdexcept>
#include <vector>

namespace mhc::test::reference {

struct identity {
  template <class S>
  array<S> operator()(array<S> const&, index n) const {
    array<S> p(n * n, S(0));
    for (index i = 0; i < n; ++i) p[i * n + i] = 1;
    return p;
  }
};

struct unconstrained {
  template <class S>
  array<S> operator()(array<S> const& z, index) const {
    return z;
  }
};

template <class S>
array<S> weights(array<S> const& z) {
  real top = real_part(z[0]);
  for (auto const& a : z) top = std::max(top, real_part(a));
  array<S> w;
  S sum = 0;
  for (auto const& a : z) {
    w.push_back(std::exp(a - top));
    sum += w.back();
  }
  for (auto& a : w) a /= sum;
  return w;
}

struct permutation {
  template <class S>
  array<S> operator()(array<S> const& z, index n) const {
    auto const w = weights(z);
    array<index> order(n);
    std::iota(order.begin(), order.end(), index(0));
    array<S> p(n * n, S(0));
    index r = 0;
    do {
      for (index i = 0; i < n; ++i) p[i * n + order[i]] += w.at(r);
      ++r;
    } while (std::next_permutation(order.begin(), order.end()));
    return p;
  }
};

struct kronecker {
  template <class S>
  array<S> operator()(array<S> const& z, index n) const {
    array<S> p{S(1)};
    index m = 1;
    for (auto const& a : z) {
      S const stay = S(1) / (S(1) + std::exp(-a)), swap = S(1) / (S(1) + std::exp(a));
      array<S> const f{stay, swap, swap, stay};
      array<S> next(4 * m * m);
      for (index i = 0; i < 2 * m; ++i)
        for (index j = 0; j < 2 * m; ++j) next[i * 2 * m + j] = p[i / 2 * m + j / 2] * f[i % 2 * 2 + j % 2];
      p = next;
      m *= 2;
    }
    if (m != n) throw std::logic_error("the order is not that of the factors");
    return p;
  }
};

struct circulant {
  real gamma = 1;

  template <class S>
  array<S> operator()(array<S> const& z, index n) const {
    auto const w = weights(z);
    array<S> p(n * n, S(0)), shift(n * n, S(0)), next(n * n);
    for (index i = 0; i < n; ++i) p[i * n + i] = 1 - gamma, shift[i * n + i] = 1;
    for (index k = 0; k < n; ++k) {
      for (index e = 0; e < n * n; ++e) p[e] += gamma * w[k] * shift[e];
      for (index i = 0; i < n; ++i)
        for (index j = 0; j < n; ++j) next[i * n + (j + 1) % n] = shift[i * n + j];
      shift = next;
    }
    return p;
  }
};

/// (I − A)(I + A)⁻¹ row by row, by elimination with complete pivoting.
struct orthogonal {
  template <class S>
  array<S> operator()(array<S> const& z, index n) const {
    array<S> a(n * n, S(0)), transposed(n * n), q(n * n);
    for (index i = 0, k = 0; i < n; ++i)
      for (index j = i + 1; j < n; ++j, ++k) a[i * n + j] = z.at(k), a[j * n + i] = -z.at(k);
    for (index i = 0; i < n; ++i)
      for (index j = 0; j < n; ++j) transposed[j * n + i] = a[i * n + j] + S(i == j ? 1 : 0);
    for (index i = 0; i < n; ++i) {
      array<S> row(n);
      for (index j = 0; j < n; ++j) row[j] = S(i == j ? 1 : 0) - a[i * n + j];
      auto const x = solve(transposed, row);
      std::copy(x.begin(), x.end(), q.begin() + static_cast<std::ptrdiff_t>(i * n));
    }
    return q;
  }
};

struct orthostochastic {
  index s = 2;

  template <class S>
  array<S> operator()(array<S> const& z, index n) const {
    auto const q = orthogonal{}(z, n * s);
    array<S> p(n * n, S(0));
    for (index i = 0; i < n * s; ++i)
      for (index j = 0; j < n * s; ++j) p[i / s * n + j / s] += q[i * n * s + j] * q[i * n * s + j] / real(s);
    return p;
  }
};

/// As published, for general marginals r and c, with all three bounds.
struct transport {
  template <class S>
  array<S> operator()(array<S> const& z, index n) const {
    array<S> x(n * n, S(0)), r(n, S(1)), c(n, S(1));
    auto const less = [](S const& a, S const& b) { return real_part(a) < real_part(b); };
    for (index i = 0; i < n; ++i)
      for (index j = 0; j < n; ++j) {
        S right = r[i], below = c[j];
        for (index k = j + 1; k < n; ++k) right -= c[k];
        for (index k = i + 1; k < n; ++k) below -= r[k];
        S const low = std::max({S(0), right, below}, less), high = std::min(r[i], c[j], less);
        bool const free = i + 1 < n && j + 1 < n;
        S const t = free ? z[i * (n - 1) + j] : S(0);
        S& entry = x[i * n + j];
        entry = free ? low + (high - low) * sigmoid(t) : (j + 1 == n ? r[i] : c[j]);
        r[i] -= entry;
        c[j] -= entry;
      }
    return x;
  }
};

/// The nearest doubly stochastic matrix, by alternating exact maximisation of the dual over the rows' and the columns'
/// potentials; then the linear system on its pattern, then a certificate of optimality. Throws without one.
struct euclidean {
  template <class S>
  array<S> operator()(array<S> const& z, index n) const {
    array<real> zr(n * n);
    for (index k = 0; k < n * n; ++k) zr[k] = real_part(z[k]);
    auto y = zr;
    for (int round = 0; round < 400000; ++round) {
      for (index i = 0; i < n; ++i) to_simplex(y, n, [&](index j) { return i * n + j; });
      for (index j = 0; j < n; ++j) to_simplex(y, n, [&](index i) { return i * n + j; });
      if (round % 50 != 49) continue;
      array<char> on(n * n);
      for (index k = 0; k < n * n; ++k) on[k] = y[k] > 1e-9L;
      if (certified(zr, on, n)) return on_pattern(z, on, n);
    }
    throw std::runtime_error("the reference projection does not converge");
  }

  /// P = Ω∘(X + a⊕b) with unit marginals.
  template <class S>
  static array<S> on_pattern(array<S> const& x, array<char> const& on, index n) {
    return potentials<S>(x, on, n).p;
  }

  /// Are there a, b with P_ij = X_ij + a_i + b_j >= 0 where Ω, and X_ij + a_i + b_j <= 0 elsewhere? Then P is nearest.
  static bool certified(array<real> const& x, array<char> const& on, index n, real tolerance = 1e-14L) {
    auto const s = potentials<real>(x, on, n);
    real scale = 1;
    for (real const a : x) scale = std::max(scale, std::abs(a));
    for (index i = 0; i < n; ++i) {
      real row = -1, column = -1;
      for (index j = 0; j < n; ++j) {
        row += s.p[i * n + j];
        column += s.p[j * n + i];
        if (s.p[i * n + j] < -tolerance * scale) return false;
      }
      if (std::abs(row) > tolerance * scale || std::abs(column) > tolerance * scale) return false;
    }
    // pieces may shift against each other: shift(piece of i) − shift(piece of j) <= −(X_ij + a_i + b_j), by Bellman–Ford
    array<real> shift(2 * n, 0);
    for (index round = 0; round <= 2 * n + 1; ++round) {
      bool changed = false;
      for (index i = 0; i < n; ++i)
        for (index j = 0; j < n; ++j) {
          if (on[i * n + j]) continue;
          real const bound = shift[s.piece[n + j]] - (x[i * n + j] + s.a[i] + s.b[j]);
          if (shift[s.piece[i]] > bound + tolerance * scale) shift[s.piece[i]] = bound, changed = true;
        }
      if (!changed) return true;
    }
    return false;
  }

 private:
  template <class S>
  struct solution {
    array<S> p, a, b;
    array<index> piece;  ///< of row i, and of column j at n + j
  };

  template <class At>
  static void to_simplex(array<real>& y, index n, At const& at) {
    array<real> line;
    for (index k = 0; k < n; ++k) line.push_back(y[at(k)]);
    std::sort(line.begin(), line.end(), std::greater<>{});
    real sum = 0, shift = 0;
    for (index k = 0; k < n; ++k) {
      sum += line[k];
      if (line[k] - (sum - 1) / real(k + 1) > 0) shift = (sum - 1) / real(k + 1);
    }
    for (index k = 0; k < n; ++k) y[at(k)] -= shift;
  }

  static array<index> pieces(array<char> const& on, index n) {
    array<index> piece(2 * n);
    std::iota(piece.begin(), piece.end(), index(0));
    for (index round = 0; round < 2 * n; ++round)
      for (index i = 0; i < n; ++i)
        for (index j = 0; j < n; ++j)
          if (on[i * n + j]) piece[i] = piece[n + j] = std::min(piece[i], piece[n + j]);
    return piece;
  }

  /// Both sets of marginal equations at once; in each piece the equation of one column gives way to b_j = 0.
  template <class S>
  static solution<S> potentials(array<S> const& x, array<char> const& on, index n) {
    solution<S> s;
    s.piece = pieces(on, n);
    index const m = 2 * n;
    array<S> matrix(m * m, S(0)), rhs(m, S(1));
    array<char> seen(m, 0);
    for (index i = 0; i < n; ++i)
      for (index j = 0; j < n; ++j) {
        if (!on[i * n + j]) continue;
        matrix[i * m + i] += S(1), matrix[i * m + n + j] += S(1), rhs[i] -= x[i * n + j];
        matrix[(n + j) * m + n + j] += S(1), matrix[(n + j) * m + i] += S(1), rhs[n + j] -= x[i * n + j];
      }
    for (index j = 0; j < n; ++j) {
      if (seen[s.piece[n + j]]) continue;
      seen[s.piece[n + j]] = 1;
      for (index k = 0; k < m; ++k) matrix[(n + j) * m + k] = S(k == n + j ? 1 : 0);
      rhs[n + j] = S(0);
    }
    auto const potential = solve(matrix, rhs);
    s.a.assign(potential.begin(), potential.begin() + static_cast<std::ptrdiff_t>(n));
    s.b.assign(potential.begin() + static_cast<std::ptrdiff_t>(n), potential.end());
    for (index k = 0; k < n * n; ++k) s.p.push_back(on[k] ? x[k] + s.a[k / n] + s.b[k % n] : S(0));
    return s;
  }
};

}  // namespace mhc::test::reference
