// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/core/elements.hpp>
#include <mhc/math/tile.hpp>
#include <mhc/ops/device.cuh>

#include <cstddef>
#include <cstdint>
#include <type_traits>

/// @file
/// Between device memory and registers: neighbouring channels in one access, and sums over a block in a fixed
/// order. S is the element in memory, T the one that is computed with.

namespace mhc::detail {

/// W neighbouring elements, moved by one instruction.
template <class T, int W>
struct alignas(sizeof(T) * W) pack {
  T at[W];
};

/// Elements in a 16-byte access.
template <class S>
inline constexpr int pack_width = 16 / static_cast<int>(sizeof(S));

/// Memory in words, whatever lies there: the compiler would move elements of 16 bits one by one.
template <int Bytes>
struct __attribute__((may_alias, aligned(Bytes))) words {
  std::uint32_t at[Bytes / 4];
};

/// To device memory, in one access.
template <int Bytes>
__device__ inline void store_words(words<Bytes> const& w, void* to) {
#if defined(__CUDA_ARCH__)
  if constexpr (Bytes == 16)
    asm volatile("st.global.v4.b32 [%0], {%1, %2, %3, %4};" ::"l"(__cvta_generic_to_global(to)), "r"(w.at[0]),
                 "r"(w.at[1]), "r"(w.at[2]), "r"(w.at[3])
                 : "memory");
  else
#endif
    *static_cast<words<Bytes>*>(to) = w;
}

/// Two neighbours of 16 bits in a word, rounded by one instruction.
template <class S>
__device__ inline std::uint32_t rounded_pair(float first, float second) {
#if defined(__CUDA_ARCH__)
  std::uint32_t word;
  if constexpr (std::is_same_v<S, half>)
    asm("cvt.rn.f16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
  else
    asm("cvt.rn.bf16x2.f32 %0, %1, %2;" : "=r"(word) : "f"(second), "f"(first));
  return word;
#else
  return S(first).bits | std::uint32_t{S(second).bits} << 16;
#endif
}

template <class T, int W, class S>
__device__ inline pack<T, W> load_pack(S const* from) {
  pack<T, W> a;
  if constexpr (is_short_v<S> && W > 1) {
    auto const in = *reinterpret_cast<words<2 * W> const*>(from);
    MHC_UNROLL for (int w = 0; w < W; ++w) a.at[w] =
        __builtin_bit_cast(S, static_cast<std::uint16_t>(in.at[w / 2] >> 16 * (w % 2)));
  } else {
    auto const in = *reinterpret_cast<pack<S, W> const*>(from);
    MHC_UNROLL for (int w = 0; w < W; ++w) a.at[w] = static_cast<T>(in.at[w]);
  }
  return a;
}

template <class T, int W, class S>
__device__ inline void store_pack(pack<T, W> const& a, S* to) {
  if constexpr (is_short_v<S> && W > 1) {
    words<2 * W> out;
    MHC_UNROLL for (int w = 0; w < W; w += 2) out.at[w / 2] = rounded_pair<S>(a.at[w], a.at[w + 1]);
    store_words(out, to);
  } else {
    pack<S, W> out;
    MHC_UNROLL for (int w = 0; w < W; ++w) out.at[w] = static_cast<S>(a.at[w]);
    *reinterpret_cast<pack<S, W>*>(to) = out;
  }
}

/// W neighbouring channels of all N streams of a token: one problem of the maths per channel.
template <class T, int N, int W>
struct columns {
  math::vec<T, N> at[W];
};

template <class T, int N, int W, class S>
__device__ inline columns<T, N, W> load_columns(S const* streams, std::ptrdiff_t channels) {
  columns<T, N, W> a;
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    auto const stream = load_pack<T, W>(streams + i * channels);
    MHC_UNROLL for (int w = 0; w < W; ++w) a.at[w][i] = stream.at[w];
  }
  return a;
}

template <class T, int N, int W, class S>
__device__ inline void store_columns(columns<T, N, W> const& a, S* streams, std::ptrdiff_t channels) {
  MHC_UNROLL for (int i = 0; i < N; ++i) {
    pack<T, W> stream;
    MHC_UNROLL for (int w = 0; w < W; ++w) stream.at[w] = a.at[w][i];
    store_pack(stream, streams + i * channels);
  }
}

/// Whether rows of `channels` elements of S, at these addresses, can be moved 16 bytes at a time.
template <class S, class... Pointers>
bool can_pack(std::ptrdiff_t channels, Pointers const*... at) {
  bool const whole = channels % pack_width<S> == 0;
  return whole && ((reinterpret_cast<std::uintptr_t>(at) % 16 == 0) && ...);
}

/// body(b, c) for every token and every pack of W of its channels: one pack per thread and turn.
template <int W, class Body>
__global__ void __launch_bounds__(256) over_channels(Body body, std::ptrdiff_t tokens, std::ptrdiff_t packs) {
  std::ptrdiff_t const turn = static_cast<std::ptrdiff_t>(gridDim.x) * blockDim.x;
  for (std::ptrdiff_t p = static_cast<std::ptrdiff_t>(blockIdx.x) * blockDim.x + threadIdx.x; p < tokens * packs;
       p += turn)
    body.template run<W>(p / packs, p % packs * W);
}

template <class S, class Body>
void for_channels(cuda::policy const& where, char const* operation, std::ptrdiff_t tokens, std::ptrdiff_t channels,
                  bool packed, Body const& body) {
  constexpr int threads = 256, W = pack_width<S>;
  if (tokens == 0) return;  // a grid of zero blocks is a launch error
  std::ptrdiff_t const packs = packed ? channels / W : channels;
  auto const blocks = block_count(tokens * packs, threads);
  launch(where, operation, packed ? over_channels<W, Body> : over_channels<1, Body>, {blocks, threads}, body, tokens,
         packs);
}

/// Sums over a block of Threads threads in a fixed order: write(k, Σ value[k]) for every k. Ends in a barrier.
template <int Threads, int K, class T, class Write>
__device__ inline void sum_over_block(T const (&value)[K], Write const& write) {
  constexpr int warps = Threads / 32;
  __shared__ T part[warps][K];
  int const lane = static_cast<int>(threadIdx.x % 32), warp = static_cast<int>(threadIdx.x / 32);
  MHC_UNROLL for (int k = 0; k < K; ++k) {
    T sum = value[k];
    MHC_UNROLL for (int distance = 16; distance > 0; distance /= 2) sum += __shfl_xor_sync(0xffffffffu, sum, distance);
    if (lane == 0) part[warp][k] = sum;
  }
  __syncthreads();
  for (int k = static_cast<int>(threadIdx.x); k < K; k += Threads) {
    T sum = part[0][k];
    for (int w = 1; w < warps; ++w) sum += part[w][k];
    write(k, sum);
  }
  __syncthreads();
}

}  // namespace mhc::detail
