// SPDX-License-Identifier: MIT
// How accurate every projection and every gradient is, in float and double, for 4 x 4 logits N(0, σ²), σ = 0.1 … 100,
// beside what is done elsewhere. Prints the tables of docs/accuracy.md.
//
//   mhc_accuracy [FILE.csv [matrices]]    also writes every number to FILE.csv; 10000 matrices for each σ
//
// The reference is long double: the Laplacian of the columns eliminated without a subtraction, and the projection by
// Newton's method on it.

#include "accuracy/elsewhere.hpp"

#include <mhc/mhc.hpp>
#include <mhc/projections/euclidean.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <vector>

namespace {

constexpr int N = 4, K = N * N;
constexpr double sigmas[] = {.1, .3, 1, 3, 10, 30, 100};
using real = long double;
using tile = mhc::math::tile<real, N>;

template <class T>
using array = std::vector<T>;

template <class T>
array<T> gaussian(std::ptrdiff_t count, double sigma, unsigned seed) {
  std::mt19937_64 engine{seed};
  std::normal_distribution<double> draw;
  array<T> a(static_cast<std::size_t>(count));
  for (T& x : a) x = static_cast<T>(sigma * draw(engine));
  return a;
}

template <class T>
tile widened(array<T> const& a, std::ptrdiff_t b) {
  tile t;
  for (int k = 0; k < K; ++k) t[k] = static_cast<real>(a[static_cast<std::size_t>(b * K + k)]);
  return t;
}

// What is measured ----------------------------------------------------------------------------------------------------

/// Of the numbers of all matrices for one σ. A number that is not finite is counted as infinite.
struct summary {
  double mean = 0, median = 0, worst = 0, share_above_percent = 0;

  explicit summary(array<double> x) {
    for (double& e : x) e = std::isfinite(e) ? e : HUGE_VAL;
    std::sort(x.begin(), x.end());
    auto const size = static_cast<double>(x.size());
    for (double const e : x) {
      mean += e / size;
      share_above_percent += e > .01 ? 100 / size : 0;
    }
    median = x[x.size() / 2];
    worst = x.back();
  }
};

/// ‖P1 − 1‖₁ + ‖Pᵀ1 − 1‖₁ of every plan.
template <class T>
summary marginal_errors(array<T> const& plans) {
  array<double> errors;
  for (std::size_t b = 0; b < plans.size() / K; ++b) {
    auto const p = widened(plans, static_cast<std::ptrdiff_t>(b));
    real sum = 0;
    for (int i = 0; i < N; ++i) {
      real row = -1, column = -1;
      for (int j = 0; j < N; ++j) {
        row += p.at[i][j];
        column += p.at[j][i];
      }
      sum += std::abs(row) + std::abs(column);
    }
    errors.push_back(static_cast<double>(sum));
  }
  return summary(errors);
}

/// max |x − e| / max |e| of every matrix, but relative to the rounding of 1 where e is smaller than that.
template <class T>
summary relative_errors(array<T> const& found, array<tile> const& expected) {
  array<double> errors;
  for (std::size_t b = 0; b < expected.size(); ++b) {
    auto const x = widened(found, static_cast<std::ptrdiff_t>(b));
    real worst = 0, scale = std::numeric_limits<T>::epsilon();
    for (int k = 0; k < K; ++k) {
      real const off = std::abs(x[k] - expected[b][k]);
      worst = off <= worst ? worst : off;  // keeps a NaN
      scale = std::max(scale, std::abs(expected[b][k]));
    }
    errors.push_back(static_cast<double>(worst / scale));
  }
  return summary(errors);
}

// The solvers ---------------------------------------------------------------------------------------------------------

template <class T>
using map = std::function<array<T>(array<T> const& logits)>;
/// From logits, the plan and G.
template <class T>
using gradient_map = std::function<array<T>(array<T> const&, array<T> const&, array<T> const&)>;

template <class T>
mhc::batch_view<T const, N> view(array<T> const& a) {
  return {a.data(), static_cast<std::ptrdiff_t>(a.size()) / K};
}
template <class T>
mhc::batch_view<T, N> view(array<T>& a) {
  return {a.data(), static_cast<std::ptrdiff_t>(a.size()) / K};
}

template <class T, class P>
map<T> projected(P const& projection) {
  return [projection](array<T> const& logits) {
    array<T> plan(logits.size());
    mhc::project(mhc::simd, projection, view(logits), view(plan));
    return plan;
  };
}

template <class T, class P>
gradient_map<T> differentiated(P const& projection) {
  return [projection](array<T> const& logits, array<T> const& plan, array<T> const& g) {
    array<T> result(logits.size());
    mhc::project_vjp(mhc::simd, projection, view(logits), view(plan), view(g), mhc::batch_view<T, N>(view(result)));
    return result;
  };
}

/// By the operations on one matrix of any order.
template <class T, class P>
map<T> projected_one_by_one(P const& projection) {
  return [projection](array<T> const& logits) {
    array<T> plan(logits.size());
    array<double> workspace(static_cast<std::size_t>(mhc::project_workspace_size(projection, N)));
    for (std::ptrdiff_t b = 0; b < view(logits).size; ++b)
      mhc::project(mhc::simd, projection, mhc::matrix_at(view(logits), b), mhc::matrix_at(view(plan), b), workspace);
    return plan;
  };
}

template <class T, class P>
gradient_map<T> differentiated_one_by_one(P const& projection) {
  return [projection](array<T> const& logits, array<T> const& plan, array<T> const& g) {
    array<T> result(logits.size());
    array<double> workspace(static_cast<std::size_t>(mhc::project_vjp_workspace_size(projection, N)));
    for (std::ptrdiff_t b = 0; b < view(logits).size; ++b)
      mhc::project_vjp(mhc::simd, projection, mhc::matrix_at(view(logits), b), mhc::matrix_at(view(plan), b),
                       mhc::matrix_at(view(g), b), mhc::matrix_at(view(result), b), workspace);
    return result;
  };
}

/// f(matrix b of each array) for every b.
template <class T, class F, class... Arrays>
array<T> matrix_by_matrix(F const& f, array<T> const& first, Arrays const&... more) {
  array<T> result(first.size());
  for (std::size_t b = 0; b < first.size(); b += K)
    naive::matrix_out<T, N>(result.data() + b) = f(naive::matrix<T, N>(naive::matrix_in<T, N>(first.data() + b)),
                                                   naive::matrix<T, N>(naive::matrix_in<T, N>(more.data() + b))...);
  return result;
}

template <class T>
struct projection_row {
  std::string name;
  map<T> run;
};

template <class T>
array<projection_row<T>> projections() {
  using namespace mhc;
  return {
      {"`entropic`", projected<T>(entropic{})},
      {"`entropic`, matrix_view", projected_one_by_one<T>(entropic{})},
      {"`euclidean`", projected<T>(euclidean{})},
      {"`sinkhorn<>`, 20", projected<T>(sinkhorn<>{})},
      {"`sinkhorn<>`, 1000", projected<T>(sinkhorn<>{.iterations = 1000})},
      {"`sinkhorn<log_domain>`, 20", projected<T>(sinkhorn<convention::log_domain>{})},
      {"`sinkhorn<megatron>`, 20", projected<T>(sinkhorn<convention::megatron>{})},
      {"`sinkhorn<deepseek_v4>`, 20", projected<T>(sinkhorn<convention::deepseek_v4>{})},
      {"elsewhere: exp without a shift, 20",
       [](auto const& z) {
         return matrix_by_matrix<T>([](auto const& m) { return elsewhere::plain_sinkhorn<T>(m, 20); }, z);
       }},
      {"elsewhere: until 1e-6, at most 1000",
       [](auto const& z) {
         return matrix_by_matrix<T>([](auto const& m) { return naive::entropic<T, N>(m, T(1e-6), 1000); }, z);
       }},
  };
}

template <class T>
struct gradient_row {
  std::string name;
  gradient_map<T> run;
};

template <class T, class F>
gradient_row<T> from_elsewhere(std::string name, F f) {
  return {"elsewhere: " + std::move(name),
          [f](auto const&, array<T> const& p, array<T> const& g) { return matrix_by_matrix<T>(f, p, g); }};
}

template <class T>
array<gradient_row<T>> gradients() {
  return {
      {"`entropic`", differentiated<T>(mhc::entropic{})},
      {"`entropic`, matrix_view", differentiated_one_by_one<T>(mhc::entropic{})},
      from_elsewhere<T>("r = c = 1", elsewhere::unit_marginals<T>),
      from_elsewhere<T>("Cramer, clamped determinant", elsewhere::clamped_determinant<T>),
      from_elsewhere<T>("pinned Cholesky", elsewhere::pinned_cholesky<T>),
      from_elsewhere<T>("conjugate gradients", elsewhere::conjugate_gradients<T>),
  };
}

template <class T>
struct pair_row {
  std::string name;
  map<T> forward;
  gradient_map<T> backward;
};

template <class T>
array<pair_row<T>> pairs() {
  using namespace mhc;
  auto const of = [](std::string name, auto const& projection) {
    return pair_row<T>{std::move(name), projected<T>(projection), differentiated<T>(projection)};
  };
  return {
      of("`entropic`", entropic{}),
      {"`entropic`, matrix_view", projected_one_by_one<T>(entropic{}), differentiated_one_by_one<T>(entropic{})},
      of("`sinkhorn<>`, 20, unrolled", sinkhorn<>{}),
      of("`sinkhorn<>`, 20, implicit", sinkhorn<>{.gradient = gradient::implicit}),
      {"elsewhere: 20 iterations, r = c = 1", projected<T>(sinkhorn<>{}),
       from_elsewhere<T>("", elsewhere::unit_marginals<T>).run},
  };
}

// Tables --------------------------------------------------------------------------------------------------------------

class report {
 public:
  explicit report(char const* file) : csv_(file != nullptr ? std::fopen(file, "w") : nullptr) {
    if (file != nullptr && csv_ == nullptr) {
      std::perror(file);
      std::exit(1);
    }
    if (csv_ != nullptr) std::fputs("measure,type,solver,sigma,mean,median,worst,percent above 0.01\n", csv_);
  }
  report(report const&) = delete;
  report& operator=(report const&) = delete;
  ~report() {
    if (csv_ != nullptr) std::fclose(csv_);
  }

  void begin(std::string measure, std::string type, std::string const& title) {
    measure_ = std::move(measure);
    type_ = std::move(type);
    std::printf("\n### %s, %s\n\n| σ =", title.c_str(), type_.c_str());
    for (double const s : sigmas) std::printf(" | %g", s);
    std::printf(" |\n|---");
    for ([[maybe_unused]] double const s : sigmas) std::printf("|---");
    std::puts("|");
  }
  void row(std::string const& solver) {
    solver_ = solver;
    std::printf("| %s", solver.c_str());
  }
  void cell(double sigma, summary const& s) {
    if (measure_ == "marginal") {
      std::printf(" | %.1e / %.1e", s.mean, s.worst);
    } else {
      std::printf(" | %.1e / %.3g %%", s.median, s.share_above_percent);
    }
    if (csv_ == nullptr) return;
    std::string plain = solver_;
    for (char const quote : {'`', ','}) plain.erase(std::remove(plain.begin(), plain.end(), quote), plain.end());
    std::fprintf(csv_, "%s,%s,%s,%g,%g,%g,%g,%g\n", measure_.c_str(), type_.c_str(), plain.c_str(), sigma, s.mean,
                 s.median, s.worst, s.share_above_percent);
  }
  void end_row() const { std::puts(" |"); }

 private:
  std::FILE* csv_;
  std::string measure_, type_, solver_;
};

/// Inputs and references for one σ.
template <class T>
struct inputs {
  double sigma;
  array<T> logits, g, plan;
  array<tile> given_plan, end_to_end;

  inputs(double s, std::ptrdiff_t matrices)
      : sigma(s),
        logits(gaussian<T>(matrices * K, s, 1)),
        g(gaussian<T>(matrices * K, 1, 2)),
        plan(projected<T>(mhc::entropic{})(logits)) {
    for (std::ptrdiff_t b = 0; b < matrices; ++b) {
      auto const p = mhc::math::scale_to_polytope(widened(logits, b));
      given_plan.push_back(mhc::math::implicit_derivative(widened(plan, b), widened(g, b)));
      end_to_end.push_back(mhc::math::implicit_derivative(p, widened(g, b)));
    }
  }
};

template <class T>
void measure(report& to, char const* type, std::ptrdiff_t matrices) {
  array<inputs<T>> all;
  for (double const s : sigmas) all.emplace_back(s, matrices);
  to.begin("marginal", type, "Marginal error of the plan: mean / worst");
  for (auto const& solver : projections<T>()) {
    to.row(solver.name);
    for (auto const& in : all) to.cell(in.sigma, marginal_errors(solver.run(in.logits)));
    to.end_row();
  }
  to.begin("gradient", type, "Gradient for a given plan: median error / matrices off by more than 1 %");
  for (auto const& solver : gradients<T>()) {
    to.row(solver.name);
    for (auto const& in : all) to.cell(in.sigma, relative_errors(solver.run(in.logits, in.plan, in.g), in.given_plan));
    to.end_row();
  }
  to.begin("end to end", type, "Gradient from logits, of the exact projection: median error / off by more than 1 %");
  for (auto const& solver : pairs<T>()) {
    to.row(solver.name);
    for (auto const& in : all)
      to.cell(in.sigma, relative_errors(solver.backward(in.logits, solver.forward(in.logits), in.g), in.end_to_end));
    to.end_row();
  }
}

}  // namespace

int main(int argc, char** argv) {
  std::ptrdiff_t const matrices = argc > 2 ? std::atol(argv[2]) : 10000;
  if (matrices < 1 || argc > 3) {
    std::fputs("usage: mhc_accuracy [FILE.csv [matrices]]\n", stderr);
    return 2;
  }
  report to(argc > 1 ? argv[1] : nullptr);
  measure<float>(to, "float", matrices);
  measure<double>(to, "double", matrices);
}
