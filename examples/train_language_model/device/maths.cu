// SPDX-License-Identifier: MIT
#include "kernels.cuh"
#include "maths.cuh"

#include <cublas_v2.h>

#include <numeric>

namespace demo::on_device {

namespace {

using example::launch;

constexpr std::ptrdiff_t warps = 8;  // of a block

void require_blas(cublasStatus_t status, char const* doing) {
  if (status == CUBLAS_STATUS_SUCCESS) return;
  throw std::runtime_error(std::string(doing) + ": " + cublasGetStatusName(status) + ": " +
                           cublasGetStatusString(status));
}

template <class T>
std::ptrdiff_t size(matrix<T> const& m) {
  return m.count * m.rows * m.columns;
}

}  // namespace

maths::maths() : partial_(sum_parts) {
  require_blas(cublasCreate(&blas_), "starting cuBLAS");
  require_blas(cublasSetMathMode(blas_, CUBLAS_DEFAULT_MATH), "setting up cuBLAS");  // float: no TF32
}

maths::~maths() { cublasDestroy(blas_); }

/// cuBLAS is column-major: what it takes for a matrix is our transpose, so it computes cᵀ = bᵀ·aᵀ.
void maths::multiply(matrix<float const> a, matrix<float const> b, float old, matrix<float> c) const {
  float const one = 1;
  auto const operation = [](matrix<float const> const& m) { return m.transposed ? CUBLAS_OP_T : CUBLAS_OP_N; };
  auto const integer = [](std::ptrdiff_t n) { return static_cast<int>(n); };
  require_blas(cublasSgemmStridedBatched(blas_, operation(b), operation(a), integer(c.columns), integer(c.rows),
                                         integer(a.transposed ? a.rows : a.columns), &one, b.data, integer(b.pitch),
                                         b.stride, a.data, integer(a.pitch), a.stride, &old, c.data, integer(c.pitch),
                                         c.stride, integer(c.count)),
               "a matrix product");
}

void maths::product(matrix<float const> a, matrix<float const> b, matrix<float> c) const { multiply(a, b, 0, c); }
void maths::add_product(matrix<float const> a, matrix<float const> b, matrix<float> c) const { multiply(a, b, 1, c); }

void maths::embed(float const* embedding, float const* positions, std::uint8_t const* bytes, std::ptrdiff_t length,
                  matrix<float> x) const {
  launch(nullptr, size(x), 256, embed_kernel, embedding, positions, bytes, length, x.columns, size(x), x.data);
}

void maths::embed_vjp(matrix<float const> x_gradient, std::uint8_t const* bytes, std::ptrdiff_t length,
                      std::ptrdiff_t vocabulary, float* embedding_gradient, float* positions_gradient) const {
  launch(nullptr, vocabulary, 1, byte_gradient_kernel, x_gradient.data, bytes, x_gradient.rows, x_gradient.columns,
         embedding_gradient);
  launch(nullptr, length * x_gradient.columns, 256, position_gradient_kernel, x_gradient.data, x_gradient.rows / length,
         length * x_gradient.columns, positions_gradient);
}

void maths::norm(float const* gain, matrix<float const> u, matrix<float> normed) const {
  launch(nullptr, u.rows, warps, norm_kernel, gain, u.data, u.rows, u.columns, normed.data);
}

void maths::norm_vjp(float const* gain, matrix<float const> u, matrix<float const> normed_gradient,
                     matrix<float> u_gradient, float* gain_gradient, float* inverse) const {
  launch(nullptr, u.rows, warps, norm_vjp_kernel, gain, u.data, normed_gradient.data, u.rows, u.columns,
         u_gradient.data, inverse);
  launch(nullptr, u.columns, gain_columns, gain_gradient_kernel, u.data, normed_gradient.data, inverse, u.rows,
         u.columns, gain_gradient);
}

void maths::causal_softmax(matrix<float> scores, float scale) const {
  std::ptrdiff_t const rows = scores.count * scores.rows;
  launch(nullptr, rows, warps, softmax_kernel, scores.data, rows, scores.columns, scale);
}

void maths::causal_softmax_vjp(matrix<float const> plan, matrix<float> plan_gradient, float scale) const {
  std::ptrdiff_t const rows = plan.count * plan.rows;
  launch(nullptr, rows, warps, softmax_vjp_kernel, plan.data, rows, plan.columns, scale, plan_gradient.data);
}

void maths::gelu(matrix<float const> a, matrix<float> h) const {
  launch(nullptr, size(a), 256, gelu_kernel, a.data, size(a), h.data);
}

void maths::gelu_vjp(matrix<float const> a, matrix<float> gradient) const {
  launch(nullptr, size(a), 256, gelu_vjp_kernel, a.data, size(a), gradient.data);
}

void maths::cross_entropy(matrix<float const> logits, std::uint8_t const* targets, float* losses) const {
  launch(nullptr, logits.rows, warps, cross_entropy_kernel, logits.data, logits.rows, logits.columns, targets, losses);
}

void maths::cross_entropy_and_gradient(matrix<float> logits, std::uint8_t const* targets, float scale,
                                       float* losses) const {
  cross_entropy(logits, targets, losses);
  launch(nullptr, logits.rows, warps, cross_entropy_gradient_kernel, logits.rows, logits.columns, targets, scale,
         logits.data);
}

void maths::adamw(adamw_step<float> const& step, device_array<float> const& gradient, device_array<float> const& decay,
                  device_array<float> const& first, device_array<float> const& second,
                  device_array<float> const& parameters) const {
  launch(nullptr, parameters.size(), 256, adamw_kernel, step, gradient.data(), decay.data(), parameters.size(),
         first.data(), second.data(), parameters.data());
}

template <bool Squared>
double maths::sum_of(float const* values, std::ptrdiff_t count) const {
  launch(nullptr, sum_parts, 1, sum_kernel<Squared>, values, count, partial_.data());
  auto const parts = partial_.values();
  return std::accumulate(parts.begin(), parts.end(), 0.0);
}

double maths::sum(float const* values, std::ptrdiff_t count) const { return sum_of<false>(values, count); }
double maths::sum_of_squares(float const* values, std::ptrdiff_t count) const { return sum_of<true>(values, count); }

}  // namespace demo::on_device
