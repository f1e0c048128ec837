// SPDX-License-Identifier: MIT
#pragma once

#include "support/naive_projection.hpp"

#include <Eigen/Dense>

#include <algorithm>
#include <cmath>
#include <limits>

/// @file
/// How the system behind the gradient of the exact projection, [diag r, P; Pᵀ, diag c][α; β] = [(P∘G)1; (P∘G)ᵀ1], is
/// solved elsewhere: each has a reason to look right, and fails for some matrices.

namespace elsewhere {

template <class T>
using matrix = naive::matrix<T, 4>;
template <class T>
using column = naive::column<T, 4>;

/// The system with one unknown held at 0.
template <class T>
struct pinned_system {
  matrix<T> p, m;
  column<T> r, a;
  Eigen::Matrix<T, 3, 3> schur;
  Eigen::Matrix<T, 3, 1> right;

  pinned_system(matrix<T> const& plan, matrix<T> const& g, column<T> const& rows, column<T> const& columns)
      : p(plan), m(plan.cwiseProduct(g)), r(rows), a(m.rowwise().sum()) {
    matrix<T> const q = r.cwiseInverse().asDiagonal() * p;
    matrix<T> full = -p.transpose() * q;
    full.diagonal() += columns;
    schur = full.template topLeftCorner<3, 3>();
    right = (m.colwise().sum().transpose() - q.transpose() * a).template head<3>();
  }
  matrix<T> finish(Eigen::Matrix<T, 3, 1> const& solution) const {
    column<T> beta = column<T>::Zero();
    beta.template head<3>() = solution;
    column<T> const alpha = (a - p * beta).cwiseQuotient(r);
    return m - p.cwiseProduct(alpha.replicate(1, 4) + beta.transpose().replicate(4, 1));
  }
};

template <class T>
pinned_system<T> with_its_marginals(matrix<T> const& p, matrix<T> const& g) {
  return {p, g, p.rowwise().sum(), p.colwise().sum().transpose()};
}

/// As if the plan were doubly stochastic: r = c = 1.
template <class T>
matrix<T> unit_marginals(matrix<T> const& p, matrix<T> const& g) {
  pinned_system<T> const s(p, g, column<T>::Ones(), column<T>::Ones());
  return s.finish(s.schur.ldlt().solve(s.right));
}

/// Cramer's rule, with the determinant kept away from 0.
template <class T>
matrix<T> clamped_determinant(matrix<T> const& p, matrix<T> const& g) {
  auto const s = with_its_marginals(p, g);
  T const determinant = std::max(s.schur.determinant(), std::numeric_limits<T>::epsilon());
  Eigen::Matrix<T, 3, 1> solution;
  for (int k = 0; k < 3; ++k) {
    Eigen::Matrix<T, 3, 3> replaced = s.schur;
    replaced.col(k) = s.right;
    solution[k] = replaced.determinant() / determinant;
  }
  return s.finish(solution);
}

/// Cholesky's factorisation. NaN where it breaks down.
template <class T>
matrix<T> pinned_cholesky(matrix<T> const& p, matrix<T> const& g) {
  auto const s = with_its_marginals(p, g);
  Eigen::LLT<Eigen::Matrix<T, 3, 3>> const factors(s.schur);
  if (factors.info() != Eigen::Success) return matrix<T>::Constant(std::numeric_limits<T>::quiet_NaN());
  return s.finish(factors.solve(s.right));
}

/// Conjugate gradients on all eight unknowns, as many steps.
template <class T>
matrix<T> conjugate_gradients(matrix<T> const& p, matrix<T> const& g) {
  using vector = Eigen::Matrix<T, 8, 1>;
  Eigen::Matrix<T, 8, 8> a = Eigen::Matrix<T, 8, 8>::Zero();
  a.diagonal() << p.rowwise().sum(), p.colwise().sum().transpose();
  a.template topRightCorner<4, 4>() = p;
  a.template bottomLeftCorner<4, 4>() = p.transpose();
  matrix<T> const m = p.cwiseProduct(g);
  vector residual, x = vector::Zero();
  residual << m.rowwise().sum(), m.colwise().sum().transpose();
  vector direction = residual;
  T square = residual.squaredNorm();
  for (int step = 0; step < 8 && square > 0; ++step) {
    vector const ad = a * direction;
    T const length = square / direction.dot(ad);
    x += length * direction;
    residual -= length * ad;
    T const next = residual.squaredNorm();
    direction = residual + next / square * direction;
    square = next;
  }
  return m - p.cwiseProduct(x.template head<4>().replicate(1, 4) + x.template tail<4>().transpose().replicate(4, 1));
}

/// exp without a shift, then division of columns and rows.
template <class T>
matrix<T> plain_sinkhorn(matrix<T> const& z, int iterations) {
  matrix<T> p = z.array().exp();
  for (int t = 0; t < iterations; ++t) {
    naive::normalise_columns(p);
    naive::normalise_rows(p);
  }
  return p;
}

}  // namespace elsewhere
