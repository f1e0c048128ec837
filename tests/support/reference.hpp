// SPDX-License-Identifier: MIT
#pragma once

// The definitions, in plain loops over one token, sharing no line with include/mhc. S is long double for values and
// std::complex<long double> for derivatives by the complex step.

#include <algorithm>
#include <cmath>
#include <complex>
#include <cstddef>
#include <functional>
#include <stdexcept>
#include <utility>
#include <vector>

namespace mhc::test::reference {

using real = long double;
using complex = std::complex<long double>;

template <class S>
using array = std::vector<S>;
using index = std::size_t;

inline real real_part(real a) { return a; }
inline real real_part(complex const& a) { return a.real(); }

/// (exp(Z) / column sums / row sums) repeated, as it is printed: arXiv:2512.24880, eq. 8–9.
template <class S>
array<S> sinkhorn(array<S> const& z, index n, int iterations) {
  array<S> p(n * n);
  for (index k = 0; k < n * n; ++k) p[k] = std::exp(z[k]);
  for (int t = 0; t < iterations; ++t) {
    for (index j = 0; j < n; ++j) {
      S sum = 0;
      for (index i = 0; i < n; ++i) sum += p[i * n + j];
      for (index i = 0; i < n; ++i) p[i * n + j] /= sum;
    }
    for (index i = 0; i < n; ++i) {
      S sum = 0;
      for (index j = 0; j < n; ++j) sum += p[i * n + j];
      for (index j = 0; j < n; ++j) p[i * n + j] /= sum;
    }
  }
  return p;
}

/// A x = b by Gaussian elimination with complete pivoting. A direction without any pivot gets x = 0.
template <class S>
array<S> solve(array<S> a, array<S> b) {
  index const n = b.size();
  array<index> column(n);
  for (index k = 0; k < n; ++k) column[k] = k;
  for (index k = 0; k < n; ++k) {
    index pi = k, pj = k;
    for (index i = k; i < n; ++i)
      for (index j = k; j < n; ++j)
        if (std::abs(a[i * n + j]) > std::abs(a[pi * n + pj])) pi = i, pj = j;
    for (index j = 0; j < n; ++j) std::swap(a[k * n + j], a[pi * n + j]);
    std::swap(b[k], b[pi]);
    for (index i = 0; i < n; ++i) std::swap(a[i * n + k], a[i * n + pj]);
    std::swap(column[k], column[pj]);
    if (std::abs(a[k * n + k]) == 0) continue;
    for (index i = k + 1; i < n; ++i) {
      S const factor = a[i * n + k] / a[k * n + k];
      for (index j = k; j < n; ++j) a[i * n + j] -= factor * a[k * n + j];
      b[i] -= factor * b[k];
    }
  }
  array<S> y(n), x(n);
  for (index k = n; k-- > 0;) {
    S sum = b[k];
    for (index j = k + 1; j < n; ++j) sum -= a[k * n + j] * y[j];
    y[k] = std::abs(a[k * n + k]) == 0 ? S(0) : sum / a[k * n + k];
  }
  for (index k = 0; k < n; ++k) x[column[k]] = y[k];
  return x;
}

/// softmax of each row of Z + b, and φ(b) = Σ_i log Σ_j exp(Z_ij + b_j) − Σ_j b_j.
template <class S>
array<S> softmax_rows(array<S> const& z, array<S> const& b, real* phi = nullptr) {
  index const n = b.size();
  array<S> p(n * n);
  real value = 0;
  for (index i = 0; i < n; ++i) {
    S sum = 0, top = z[i * n] + b[0];
    for (index j = 1; j < n; ++j)
      if (real_part(z[i * n + j] + b[j]) > real_part(top)) top = z[i * n + j] + b[j];
    for (index j = 0; j < n; ++j) sum += p[i * n + j] = std::exp(z[i * n + j] + b[j] - top);
    for (index j = 0; j < n; ++j) p[i * n + j] /= sum;
    value += real_part(top) + std::log(real_part(sum)) - real_part(b[i]);
  }
  if (phi != nullptr) *phi = value;
  return p;
}

/// The Newton direction of φ: the Hessian diag(c) − PᵀP as a dense matrix, one column held fixed. The damping leaves
/// alone the directions in which the columns are coupled by less than it, and in which no entry of P feels a step.
template <class S>
array<S> newton_direction(array<S> const& p, index n, real damping) {
  array<S> h((n - 1) * (n - 1)), g(n - 1);
  for (index j = 0; j + 1 < n; ++j) {
    S c = 0;
    for (index i = 0; i < n; ++i) c += p[i * n + j];
    g[j] = S(1) - c;
    for (index k = 0; k + 1 < n; ++k) {
      S sum = 0;
      for (index i = 0; i < n; ++i) {
        // off the diagonal −Σ P_ij P_ik, on it Σ P_ij (1 − P_ij) with 1 − P_ij as the sum of the others
        if (j != k) sum -= p[i * n + j] * p[i * n + k];
        for (index l = 0; l < n && j == k; ++l)
          if (l != j) sum += p[i * n + j] * p[i * n + l];
      }
      h[j * (n - 1) + k] = j == k ? sum + damping : sum;
    }
  }
  auto d = solve(h, g);
  d.push_back(S(0));
  return d;
}

template <class S>
real column_error(array<S> const& p, index n) {
  real worst = 0;
  for (index j = 0; j < n; ++j) {
    real c = -1;
    for (index i = 0; i < n; ++i) c += real_part(p[i * n + j]);
    worst = std::max(worst, std::abs(c));
  }
  return worst;
}

/// The doubly stochastic diag(u) exp(Z) diag(v): damped Newton with a line search until the columns are right to 1e-17;
/// then, for an imaginary part of Z, one step of the imaginary part alone, which is exact for an infinitesimal one.
template <class S>
array<S> exact(array<S> const& z, index n) {
  if (n == 1) return {z[0] - z[0] + S(1)};
  array<real> zr(n * n), b(n, 0);
  for (index k = 0; k < n * n; ++k) zr[k] = real_part(z[k]);
  real phi = 0;
  auto p = softmax_rows(zr, b, &phi);
  for (int step = 0; column_error(p, n) > 1e-17L; ++step) {
    if (step == 2000) throw std::runtime_error("the reference projection does not converge");
    auto const d = newton_direction(p, n, 1e-19L);
    auto const [low, high] = std::minmax_element(d.begin(), d.end());
    real const rho = *high - *low;
    real length = rho > 1e-6L ? std::log1p(rho) / rho : 1;
    array<real> next(n);
    real value = 0, before = column_error(p, n);
    for (int halving = 0; halving < 60; ++halving, length /= 2) {
      for (index j = 0; j < n; ++j) next[j] = b[j] + length * d[j];
      p = softmax_rows(zr, next, &value);
      if (value < phi || column_error(p, n) < before) break;
    }
    b = next;
    phi = value;
    if (column_error(p, n) >= before && before < 1e-16L) break;  // at the rounding of long double
  }
  array<S> bs(b.begin(), b.end());
  auto const d = newton_direction(softmax_rows(z, bs), n, 1e-17L);
  for (index j = 0; j < n; ++j) bs[j] += d[j] - real_part(d[j]);
  return softmax_rows(z, bs);
}

/// P∘(X − α⊕β) with rows and columns that sum to 0, from the dense system [diag r, P; Pᵀ, diag c][α; β] =
/// [(P∘X)1; (P∘X)ᵀ1] of all marginals but the last.
template <class S>
array<S> implicit_derivative(array<S> const& p, array<real> const& x, index n) {
  index const m = 2 * n - 1;
  array<S> a(m * m), b(m);
  for (index i = 0; i < n; ++i)
    for (index j = 0; j < n; ++j) {
      S const e = p[i * n + j];
      a[i * m + i] += e;
      b[i] += e * x[i * n + j];
      if (j + 1 == n) continue;
      a[i * m + n + j] += e;
      a[(n + j) * m + i] += e;
      a[(n + j) * m + n + j] += e;
      b[n + j] += e * x[i * n + j];
    }
  auto const potential = solve(a, b);
  array<S> result(n * n);
  for (index k = 0; k < n * n; ++k)
    result[k] = p[k] * (x[k] - potential[k / n] - (k % n + 1 < n ? potential[n + k % n] : S(0)));
  return result;
}

/// Which H_res: that many Sinkhorn iterations, or with 0 the exact projection.
struct projection {
  int iterations = 20;

  template <class S>
  array<S> operator()(array<S> const& z, index n) const {
    return iterations > 0 ? sinkhorn(z, n, iterations) : exact(z, n);
  }
};

/// u_c = Σ_i h_i x_ic.
template <class S>
array<S> aggregate(array<S> const& h, array<S> const& x) {
  index const n = h.size(), channels = x.size() / n;
  array<S> u(channels);
  for (index c = 0; c < channels; ++c)
    for (index i = 0; i < n; ++i) u[c] += h[i] * x[i * channels + c];
  return u;
}

/// x'_ic = Σ_j H_ij x_jc + h_i y_c.
template <class S>
array<S> mix(array<S> const& h_res, array<S> const& h_post, array<S> const& x, array<S> const& y) {
  index const n = h_post.size(), channels = y.size();
  array<S> next(n * channels);
  for (index i = 0; i < n; ++i)
    for (index c = 0; c < channels; ++c) {
      for (index j = 0; j < n; ++j) next[i * channels + c] += h_res[i * n + j] * x[j * channels + c];
      next[i * channels + c] += h_post[i] * y[c];
    }
  return next;
}

template <class S>
struct gates {
  array<S> pre, post, res;
};

template <class S>
struct parameters {
  array<S> phi, alpha, bias;
};

template <class S>
S sigmoid(S const& a) {
  return S(1) / (S(1) + std::exp(-a));
}

/// x / rms(x).
template <class S>
array<S> normalised(array<S> x, real epsilon) {
  S square = 0;
  for (auto const& a : x) square += a * a;
  S const rms = std::sqrt(square / real(x.size()) + epsilon);
  for (auto& a : x) a /= rms;
  return x;
}

/// mHC, arXiv:2512.24880, eq. 7: scores of the normalised token, a scale per part, a bias, gates.
struct connection {
  index streams;
  projection map;
  real norm_epsilon = 1e-20L, pre_epsilon = 0, post_scale = 2;

  template <class S>
  gates<S> operator()(parameters<S> const& p, array<S> const& x) const {
    auto const xn = normalised(x, norm_epsilon);
    index const n = streams;
    array<S> h(p.bias.size());
    for (index k = 0; k < h.size(); ++k) {
      for (index c = 0; c < x.size(); ++c) h[k] += p.phi[k * x.size() + c] * xn[c];
      h[k] = p.alpha[k < n ? 0 : k < 2 * n ? 1 : 2] * h[k] + p.bias[k];
    }
    gates<S> g;
    for (index i = 0; i < n; ++i) g.pre.push_back(sigmoid(h[i]) + pre_epsilon);
    for (index i = 0; i < n; ++i) g.post.push_back(post_scale * sigmoid(h[n + i]));
    g.res = map(array<S>(h.begin() + static_cast<std::ptrdiff_t>(2 * n), h.end()), n);
    return g;
  }
};

/// HC, arXiv:2512.24880, eq. 5: every stream normalised by itself, tanh, θ of N + 2 rows.
struct hyper_connection {
  index streams;
  bool dynamic = true;
  real norm_epsilon = 1e-6L;

  template <class S>
  gates<S> operator()(parameters<S> const& p, array<S> const& x) const {
    index const n = streams, channels = x.size() / n;
    auto const part = [&](array<S> const& a, index from, index count) {
      return array<S>(a.begin() + static_cast<std::ptrdiff_t>(from),
                      a.begin() + static_cast<std::ptrdiff_t>(from + count));
    };
    gates<S> g{part(p.bias, 0, n), part(p.bias, n, n), part(p.bias, 2 * n, n * n)};
    for (index i = 0; i < n && dynamic; ++i) {
      auto const xn = normalised(part(x, i * channels, channels), norm_epsilon);
      auto const score = [&](index row) {
        S s = 0;
        for (index c = 0; c < channels; ++c) s += p.phi[row * channels + c] * xn[c];
        return std::tanh(s);
      };
      g.pre[i] += p.alpha[0] * score(0);
      g.post[i] += p.alpha[1] * score(1);
      for (index k = 0; k < n; ++k) g.res[k * n + i] += p.alpha[2] * score(2 + k);
    }
    return g;
  }
};

/// The learned collapse: one gate per stream.
struct head {
  index streams;
  real norm_epsilon = 1e-20L, pre_epsilon = 0;

  template <class S>
  gates<S> operator()(parameters<S> const& p, array<S> const& x) const {
    auto const xn = normalised(x, norm_epsilon);
    gates<S> g;
    for (index i = 0; i < streams; ++i) {
      S s = 0;
      for (index c = 0; c < x.size(); ++c) s += p.phi[i * x.size() + c] * xn[c];
      g.pre.push_back(sigmoid(p.alpha[0] * s + p.bias[i]) + pre_epsilon);
    }
    return g;
  }
};

struct residual {
  template <class S>
  gates<S> operator()(parameters<S> const&, array<S> const& x) const {
    S const one = x[0] - x[0] + S(1);
    return {{one}, {one}, {one}};
  }
};

/// x_{l+1} = mix(x_l, F_l(aggregate(x_l))), with the parameters of each layer; f(l, u) returns y.
template <class Kind, class S, class F>
array<S> stack(Kind const& kind, std::vector<parameters<S>> const& layers, array<S> x, F&& f) {
  for (index l = 0; l < layers.size(); ++l) {
    auto const h = kind(layers[l], x);
    x = mix(h.res, h.post, x, f(l, aggregate(h.pre, x)));
  }
  return x;
}

using arrays = std::vector<array<real>>;
using complex_arrays = std::vector<array<complex>>;

/// ∂loss/∂(every number of every array), by the complex step.
template <class Loss>
arrays gradients(Loss&& loss, arrays const& at) {
  constexpr real h = 1e-60L;
  complex_arrays z(at.size());
  for (index k = 0; k < at.size(); ++k) z[k].assign(at[k].begin(), at[k].end());
  arrays result(at.size());
  for (index k = 0; k < at.size(); ++k)
    for (auto& entry : z[k]) {
      entry += complex(0, h);
      result[k].push_back(complex(loss(z)).imag() / h);
      entry = entry.real();
    }
  return result;
}

/// Σ weight · value.
template <class S>
S contraction(array<real> const& weight, array<S> const& value) {
  S sum = 0;
  for (index k = 0; k < weight.size(); ++k) sum += weight[k] * value[k];
  return sum;
}

}  // namespace mhc::test::reference
