// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/core/elements.hpp>
#include <mhc/math/tile.hpp>

#include <cstddef>

/// @file
/// Between memory and registers, one problem at a time: what scalar backends know of memory.

namespace mhc::detail {

/// Row b of an array of rows of Registers::count elements, as a vec or tile.
template <class Registers, class T>
MHC_HD inline Registers load_row(T const* data, std::ptrdiff_t b) {
  Registers a;
  MHC_UNROLL for (int k = 0; k < Registers::count; ++k) a[k] = data[b * Registers::count + k];
  return a;
}

template <class Registers, class T>
MHC_HD inline void store_row(Registers const& a, T* data, std::ptrdiff_t b) {
  MHC_UNROLL for (int k = 0; k < Registers::count; ++k) data[b * Registers::count + k] = a[k];
}

/// Channel c of N streams that lie `channels` elements apart, in what is computed with.
template <int N, class S>
MHC_HD inline math::vec<coefficient_t<S>, N> load_channel(S const* streams, std::ptrdiff_t channels, std::ptrdiff_t c) {
  math::vec<coefficient_t<S>, N> x;
  MHC_UNROLL for (int i = 0; i < N; ++i) x[i] = streams[i * channels + c];
  return x;
}

template <int N, class S>
MHC_HD inline void store_channel(math::vec<coefficient_t<S>, N> const& x, S* streams, std::ptrdiff_t channels,
                                 std::ptrdiff_t c) {
  MHC_UNROLL for (int i = 0; i < N; ++i) streams[i * channels + c] = S(x[i]);
}

/// body(begin, end) for consecutive blocks of 0 … count − 1. Sums over channels are taken block by block, so that their
/// rounding error grows with the block and the number of blocks, not with their product.
template <class F>
inline void for_blocks(std::ptrdiff_t count, F&& body) {
  constexpr std::ptrdiff_t block = 128;
  for (std::ptrdiff_t begin = 0; begin < count; begin += block)
    body(begin, begin + block < count ? begin + block : count);
}

}  // namespace mhc::detail
