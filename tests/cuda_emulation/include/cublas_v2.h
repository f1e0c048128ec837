// SPDX-License-Identifier: MIT
#pragma once

// What the demo uses of cuBLAS, by its definition, for the emulation: column-major, one product after the other.

#include <cuda_runtime.h>

struct cublasContext {};
using cublasHandle_t = cublasContext*;
enum cublasStatus_t { CUBLAS_STATUS_SUCCESS };
enum cublasMath_t { CUBLAS_DEFAULT_MATH };
enum cublasOperation_t { CUBLAS_OP_N, CUBLAS_OP_T };

inline char const* cublasGetStatusName(cublasStatus_t) { return "CUBLAS_STATUS_SUCCESS"; }
inline char const* cublasGetStatusString(cublasStatus_t) { return "success"; }
inline cublasStatus_t cublasCreate(cublasHandle_t* handle) {
  *handle = new cublasContext;
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasDestroy(cublasHandle_t handle) {
  delete handle;
  return CUBLAS_STATUS_SUCCESS;
}
inline cublasStatus_t cublasSetMathMode(cublasHandle_t, cublasMath_t) { return CUBLAS_STATUS_SUCCESS; }

/// C = alpha op(A) op(B) + beta C for every matrix of the batch; what C held is not read where beta is 0.
inline cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t, cublasOperation_t a_operation,
                                                cublasOperation_t b_operation, int m, int n, int k, float const* alpha,
                                                float const* a, int a_pitch, long long a_stride, float const* b,
                                                int b_pitch, long long b_stride, float const* beta, float* c,
                                                int c_pitch, long long c_stride, int count) {
  auto const element = [](float const* x, int pitch, cublasOperation_t operation, int row, int column) {
    return operation == CUBLAS_OP_N ? x[row + column * pitch] : x[column + row * pitch];
  };
  for (int s = 0; s < count; ++s)
    for (int i = 0; i < m; ++i)
      for (int j = 0; j < n; ++j) {
        float sum = 0;
        for (int l = 0; l < k; ++l)
          sum += element(a + s * a_stride, a_pitch, a_operation, i, l) *
                 element(b + s * b_stride, b_pitch, b_operation, l, j);
        float& to = c[s * c_stride + i + j * c_pitch];
        to = *beta == 0 ? *alpha * sum : *alpha * sum + *beta * to;
      }
  return CUBLAS_STATUS_SUCCESS;
}
