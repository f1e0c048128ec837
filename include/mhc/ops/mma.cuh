// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/core/elements.hpp>
#include <mhc/ops/device.cuh>
#include <mhc/ops/packs.cuh>

/// @file
/// Products of small matrices on the matrix units, in the precision of T. A warp multiplies C (16×8) += A (16×8) B (8×8).
/// Lane 4g + q holds
///   a = A(g, q), A(g+8, q), A(g, q+4), A(g+8, q+4);  b = B(q, g), B(q+4, g);
///   c = C(g, 2q), C(g, 2q+1), C(g+8, 2q), C(g+8, 2q+1).
/// For float the units keep 11 significant bits of each factor, so a factor goes in two pieces, x = high + low, and
/// high·high + high·low + low·high leaves out 2⁻²² of a product.
///
/// Factors of bfloat16 lie two to a register, the first in its lower half: C (16×8) += A (16×16) B (16×8), where lane 4g + q
/// holds, with n… for the two neighbours n and n + 1,
///   a = A(g, 2q…), A(g+8, 2q…), A(g, 2q+8…), A(g+8, 2q+8…);  b = B(2q…, g), B(2q+8…, g);  c as above.
/// Their products have 16 bits and are exact. A float is the sum of three of them, to its last bit.

namespace mhc::detail {

#if defined(MHC_CUDA_EMULATION)
using cuda_emulation::load_matrices;
using cuda_emulation::mma;
using cuda_emulation::mma_bfloat16;
#else

/// C += A B with factors cut to 11 bits.
__device__ inline void mma(float (&c)[4], unsigned const (&a)[4], unsigned const (&b)[2]) {
  asm("mma.sync.aligned.m16n8k8.row.col.f32.tf32.tf32.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/// C += A B in four quarters: the only shape that every device with matrix units for double has.
__device__ inline void mma(double (&c)[4], double const (&a)[4], double const (&b)[2]) {
  MHC_UNROLL for (int h = 0; h < 2; ++h) MHC_UNROLL for (int k = 0; k < 2; ++k) asm(
      "mma.sync.aligned.m8n8k4.row.col.f64.f64.f64.f64 {%0,%1}, {%2}, {%3}, {%0,%1};" : "+d"(c[2 * h]),
      "+d"(c[2 * h + 1]) : "d"(a[2 * k + h]), "d"(b[k]));
}

/// C += A B of bfloat16.
__device__ inline void mma_bfloat16(float (&c)[4], unsigned const (&a)[4], unsigned const (&b)[2]) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
      : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

/// Four matrices of 8×8 numbers of 16 bits from shared memory: lane 8i + r says where row r of matrix i lies, 16 aligned
/// bytes, and lane 4g + q gets of row g of matrix i the two neighbours 2q and 2q + 1.
__device__ inline void load_matrices(unsigned (&a)[4], void const* row) {
  asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
               : "=r"(a[0]), "=r"(a[1]), "=r"(a[2]), "=r"(a[3])
               : "r"(static_cast<unsigned>(__cvta_generic_to_shared(row)))
               : "memory");
}

#endif

/// Where unit u of a row lies in a tile in shared memory, in bytes; rows have 4 or 8 units of 16 bytes. Eight threads meet in
/// no bank if they have the same unit of rows 8n … 8n + 7, as `load_matrices` reads them, or neighbours, as they are
/// written. Eight rows further on it lies eight rows further on; and at u ^ v where v·16 is changed in it.
template <int Units>
struct matrix_tile {
  static constexpr int elements = 8, columns = elements * Units, row_bytes = 16 * Units;

  __device__ static int at(int row, int u) {
    return row * row_bytes + (u ^ (Units == 8 ? row & 7 : row >> 1 & 3)) * 16;
  }
};

/// A float in one piece.
struct tf32 {};

/// In so many pieces the matrix units take a factor.
template <class T>
inline constexpr int pieces = 1;
template <>
inline constexpr int pieces<float> = 2;

/// Piece p of x: for float the leading 11 bits to nearest, and the rest.
__device__ inline double piece(double x, int) { return x; }
__device__ inline float piece(float x, int p) {
  float const high = __uint_as_float((__float_as_uint(x) + 0x1000U) & 0xffffe000U);
  return p == 0 ? high : x - high;  // the units cut off what the rest has beyond 11 bits
}

template <class T>
__device__ inline pack<T, pieces<T>> in_pieces(T x) {
  pack<T, pieces<T>> a;
  MHC_UNROLL for (int p = 0; p < pieces<T>; ++p) a.at[p] = piece(x, p);
  return a;
}

/// Two neighbours in pieces of bfloat16, the leading bits first: each piece is what the one before it has left, cut to 8
/// significant bits, and 8 + 8 + 8 are all that a float has. (Below 2⁻¹⁰⁹ the last piece would end under the least
/// bfloat16, 2⁻¹³³: no more than that is lost.)
template <int Pieces>
__device__ inline void cut_pair(float first, float second, unsigned (&piece)[Pieces]) {
  constexpr unsigned upper = 0xffff0000U;
  MHC_UNROLL for (int p = 0; p < Pieces; ++p) {
    piece[p] = __float_as_uint(first) >> 16 | (__float_as_uint(second) & upper);
    first -= __uint_as_float(__float_as_uint(first) & upper);
    second -= __uint_as_float(__float_as_uint(second) & upper);
  }
}

/// R factors of S as the matrix units take them.
template <class S, int R>
struct factors;

/// What has 16 bits has no more than 11 significant ones, and is one piece.
template <class S, int R>
  requires is_short_v<S>
struct factors<S, R> {
  unsigned high[R];

  __device__ void set(int k, float x) { high[k] = __float_as_uint(x); }
};

template <int R>
struct factors<tf32, R> {
  unsigned high[R];

  __device__ void set(int k, float x) { high[k] = __float_as_uint(piece(x, 0)); }
};

template <int R>
struct factors<double, R> {
  double value[R];
  __device__ void set(int k, double x) { value[k] = x; }
  __device__ void set(int k, double const (&of)[1]) { value[k] = of[0]; }
};

template <int R>
struct factors<float, R> {
  unsigned high[R], low[R];

  __device__ void set(int k, float x) { set(k, in_pieces(x).at); }
  __device__ void set(int k, float const (&of)[2]) {
    high[k] = __float_as_uint(of[0]);
    low[k] = __float_as_uint(of[1]);
  }
};

/// C_t += A B_t for every t.
template <int Tiles>
__device__ inline void multiply(double (&c)[Tiles][4], factors<double, 4> const& a,
                                factors<double, 2> const (&b)[Tiles]) {
  MHC_UNROLL for (int t = 0; t < Tiles; ++t) mma(c[t], a.value, b[t].value);
}
template <int Tiles>
__device__ inline void multiply(float (&c)[Tiles][4], factors<float, 4> const& a, factors<float, 2> const (&b)[Tiles]) {
  MHC_UNROLL for (int t = 0; t < Tiles; ++t) mma(c[t], a.low, b[t].high);  // neighbours do not wait for each other
  MHC_UNROLL for (int t = 0; t < Tiles; ++t) mma(c[t], a.high, b[t].low);
  MHC_UNROLL for (int t = 0; t < Tiles; ++t) mma(c[t], a.high, b[t].high);
}
template <class S, int Tiles>
  requires is_short_v<S>
__device__ inline void multiply(float (&c)[Tiles][4], factors<S, 4> const& a, factors<float, 2> const (&b)[Tiles]) {
  MHC_UNROLL for (int t = 0; t < Tiles; ++t) mma(c[t], a.high, b[t].low);
  MHC_UNROLL for (int t = 0; t < Tiles; ++t) mma(c[t], a.high, b[t].high);
}

template <class A, int Tiles>
__device__ inline void multiply(float (&c)[Tiles][4], A const& a, factors<tf32, 2> const (&b)[Tiles]) {
  MHC_UNROLL for (int t = 0; t < Tiles; ++t) mma(c[t], a.high, b[t].high);
}

}  // namespace mhc::detail
