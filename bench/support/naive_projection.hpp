// SPDX-License-Identifier: MIT
#pragma once

#include <Eigen/Dense>

#include <vector>

/// @file
/// The projections and their derivatives, one matrix at a time, as one writes them with Eigen: fixed sizes, no
/// allocation, each line of the maths a line.

namespace naive {

template <class T, int N>
using matrix = Eigen::Matrix<T, N, N, Eigen::RowMajor>;
template <class T, int N>
using row = Eigen::Matrix<T, 1, N>;
template <class T, int N>
using column = Eigen::Matrix<T, N, 1>;
template <class T, int N>
using matrix_in = Eigen::Map<matrix<T, N> const>;
template <class T, int N>
using matrix_out = Eigen::Map<matrix<T, N>>;

template <class T, int N>
matrix<T, N> kernel(matrix<T, N> const& z) {
  row<T, N> const top = z.colwise().maxCoeff();
  return (z.rowwise() - top).array().exp();
}

template <class T, int N>
void normalise_columns(matrix<T, N>& p) {
  row<T, N> const sums = p.colwise().sum();
  p.array().rowwise() /= sums.array();
}

template <class T, int N>
void normalise_rows(matrix<T, N>& p) {
  column<T, N> const sums = p.rowwise().sum();
  p.array().colwise() /= sums.array();
}

template <class T, int N>
matrix<T, N> sinkhorn(matrix<T, N> const& z, int iterations) {
  matrix<T, N> p = kernel(z);
  for (int t = 0; t < iterations; ++t) {
    normalise_columns(p);
    normalise_rows(p);
  }
  return p;
}

/// Every matrix and every sum of a run of Sinkhorn's iteration.
template <class T, int N>
struct sinkhorn_tape {
  std::vector<matrix<T, N>> after_columns, after_rows;
  std::vector<row<T, N>> column_sums;
  std::vector<column<T, N>> row_sums;

  explicit sinkhorn_tape(int iterations) {
    auto const size = static_cast<std::size_t>(iterations);
    after_columns.resize(size), after_rows.resize(size), column_sums.resize(size), row_sums.resize(size);
  }
};

/// By reverse differentiation through every normalisation.
template <class T, int N>
matrix<T, N> sinkhorn_vjp(matrix<T, N> const& z, matrix<T, N> g, sinkhorn_tape<T, N>& tape) {
  matrix<T, N> const start = kernel(z);
  matrix<T, N> p = start;
  std::size_t const iterations = tape.after_rows.size();
  for (std::size_t t = 0; t < iterations; ++t) {
    tape.column_sums[t] = p.colwise().sum();
    p.array().rowwise() /= tape.column_sums[t].array();
    tape.after_columns[t] = p;
    tape.row_sums[t] = p.rowwise().sum();
    p.array().colwise() /= tape.row_sums[t].array();
    tape.after_rows[t] = p;
  }
  for (std::size_t t = iterations; t-- > 0;) {
    column<T, N> const rows = g.cwiseProduct(tape.after_rows[t]).rowwise().sum();
    g.colwise() -= rows;
    g.array().colwise() /= tape.row_sums[t].array();
    row<T, N> const columns = g.cwiseProduct(tape.after_columns[t]).colwise().sum();
    g.rowwise() -= columns;
    g.array().rowwise() /= tape.column_sums[t].array();
  }
  return g.cwiseProduct(start);
}

/// By forward differentiation through every normalisation.
template <class T, int N>
matrix<T, N> sinkhorn_jvp(matrix<T, N> const& z, matrix<T, N> const& z_tangent, int iterations) {
  matrix<T, N> p = kernel(z);
  matrix<T, N> d = p.cwiseProduct(z_tangent);
  for (int t = 0; t < iterations; ++t) {
    row<T, N> const columns = p.colwise().sum(), column_tangents = d.colwise().sum();
    p.array().rowwise() /= columns.array();
    d = (d.array() - p.array().rowwise() * column_tangents.array()).rowwise() / columns.array();
    column<T, N> const rows = p.rowwise().sum(), row_tangents = d.rowwise().sum();
    p.array().colwise() /= rows.array();
    d = (d.array() - p.array().colwise() * row_tangents.array()).colwise() / rows.array();
  }
  return d;
}

/// P∘(X − α⊕β) with the marginals that P has; the Schur complement of the 2N x 2N system by Cholesky, last β = 0.
template <class T, int N>
matrix<T, N> implicit_derivative(matrix<T, N> const& p, matrix<T, N> const& x) {
  column<T, N> const r = p.rowwise().sum(), c = p.colwise().sum().transpose();
  matrix<T, N> const m = p.cwiseProduct(x);
  column<T, N> const a = m.rowwise().sum(), b = m.colwise().sum().transpose();
  matrix<T, N> const q = r.cwiseInverse().asDiagonal() * p;
  matrix<T, N> schur = -p.transpose() * q;
  schur.diagonal() += c;
  column<T, N> const rhs = b - q.transpose() * a;
  column<T, N> beta = column<T, N>::Zero();
  beta.template head<N - 1>() = schur.template topLeftCorner<N - 1, N - 1>().ldlt().solve(rhs.template head<N - 1>());
  column<T, N> const alpha = (a - p * beta).cwiseQuotient(r);
  return p.array() * ((x.colwise() - alpha).rowwise() - beta.transpose()).array();
}

/// Sinkhorn's iteration until the columns sum to 1 within the tolerance (the rows do after every iteration).
template <class T, int N>
matrix<T, N> entropic(matrix<T, N> const& z, T tolerance, int max_iterations) {
  matrix<T, N> p = kernel(z);
  for (int t = 0; t < max_iterations; ++t) {
    normalise_columns(p);
    normalise_rows(p);
    if ((p.colwise().sum().array() - T(1)).abs().maxCoeff() <= tolerance) break;
  }
  return p;
}

/// The limit of Sinkhorn's iteration, in double: after some of it, damped steps of Newton's method for the scaling of
/// the columns, rows normalised. Minimises Σ log(P e^−β) + Σ β.
template <class T, int N>
matrix<T, N> exact(matrix<T, N> const& z, double tolerance, int max_iterations = 100) {
  matrix<double, N> p = sinkhorn<double, N>(z.template cast<double>(), 20);
  for (int t = 0; t < max_iterations; ++t) {
    column<double, N> const excess = p.colwise().sum().transpose().array() - 1;
    if (excess.cwiseAbs().maxCoeff() <= tolerance) break;
    matrix<double, N> hessian = -p.transpose() * p;
    hessian.diagonal() += excess + column<double, N>::Ones();
    row<double, N> beta = row<double, N>::Zero();
    beta.template head<N - 1>() =
        hessian.template topLeftCorner<N - 1, N - 1>().ldlt().solve(excess.template head<N - 1>()).transpose();
    for (int halvings = 0; halvings < 50; ++halvings, beta /= 2) {
      matrix<double, N> const next = p.array().rowwise() * (-beta.array()).exp();
      column<double, N> const sums = next.rowwise().sum();
      if (!(sums.array().log().sum() + beta.sum() <= 1e-14)) continue;
      p = next.array().colwise() / sums.array();
      break;
    }
  }
  return p.template cast<T>();
}

template <class T, int N>
T marginal_error(matrix<T, N> const& p) {
  return std::max((p.rowwise().sum().array() - T(1)).abs().maxCoeff(),
                  (p.colwise().sum().array() - T(1)).abs().maxCoeff());
}

}  // namespace naive
