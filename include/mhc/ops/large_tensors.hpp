// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/core/views.hpp>
#include <mhc/ops/lanes.hpp>
#include <mhc/ops/lines.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <type_traits>

#if defined(__linux__)
#  include <unistd.h>
#endif

/// @file
/// Streams that do not fit the cache: asked for ahead, and written past it.

MHC_BEGIN_LANES

namespace mhc::detail {

/// The last-level cache as the system tells it, 32 MiB at most, for it may be shared by more cores than work here.
/// MHC_CACHE_BYTES says otherwise.
inline std::ptrdiff_t cache_bytes() {
#if defined(MHC_CACHE_BYTES)
  return MHC_CACHE_BYTES;
#else
  static std::ptrdiff_t const bytes = [] {
    constexpr long most = 32L << 20;
#  if defined(_SC_LEVEL3_CACHE_SIZE)
    long const said = sysconf(_SC_LEVEL3_CACHE_SIZE);
    return static_cast<std::ptrdiff_t>(said > 0 ? std::min(said, most) : most);
#  else
    return static_cast<std::ptrdiff_t>(most);
#  endif
  }();
  return bytes;
#endif
}

/// Elements of one token.
template <class S, int N>
constexpr std::ptrdiff_t token_length(stream_view<S, N> x) {
  return N * x.channels;
}
template <class S>
constexpr std::ptrdiff_t token_length(token_view<S> u) {
  return u.channels;
}

/// A tensor fits the cache if this many of its size do: it, what it is made from, and what is beside them. Otherwise it is
/// written past it: whoever reads it would not find it there, and to be written there it would have to be read first.
inline constexpr std::ptrdiff_t tensors_in_cache = 3;

template <class View>
bool fits_cache(View const& v) {
  auto const bytes = token_length(v) * v.size * static_cast<std::ptrdiff_t>(sizeof(*v.data));
  return tensors_in_cache * bytes <= cache_bytes();
}

/// Where a tensor is written to: what is read at the same time or right afterwards stays in the cache, and a part goes where
/// the whole goes.
enum class destination { by_size, cache, past_cache };

/// Is this to be written past the cache, and can it, in registers that each lie at a multiple of their size?
template <class V, class View>
bool goes_past_cache(View const& written, destination to = destination::by_size) {
  using S = std::remove_pointer_t<decltype(written.data)>;
  constexpr std::size_t bytes = V::size * sizeof(S);
  bool const wanted = to == destination::by_size ? !fits_cache(written) : to == destination::past_cache;
  return wanted && written.channels % width<V> == 0 && std::bit_cast<std::uintptr_t>(written.data) % bytes == 0;
}

/// store_line, past the cache if `past`.
template <class V, class S>
MHC_ALWAYS_INLINE inline void store_line(bool past, V const& v, S* p, std::ptrdiff_t n) {
  if (past)
    store_line_past_cache(v, p);
  else
    store_line(v, p, n);
}

/// Bytes of a token of streams up to which the first level of the cache holds the next beside the one that is worked on, as
/// measured with 32 KiB of it.
inline constexpr std::ptrdiff_t near_token_bytes = 24 << 10;

/// How far ahead of what is worked on a row is asked for where each row is by itself, and how much of rows is worked on in
/// several passes: the rows of 8 streams, what they become and what comes next take little more than a first-level cache. As
/// measured: less is late, and of more than one piece ahead something is thrown out again. Of 16 bits, which are computed
/// with for longer than they are read, it is as many registers' worth.
template <class S>
inline constexpr std::ptrdiff_t row_ahead = (is_short_v<S> ? 1536 : 768) / static_cast<std::ptrdiff_t>(sizeof(S));

/// Token b of a stream_view, N rows, or of a token_view, one. A value of its own, so that it stays in registers: whoever
/// reads pointers through a view must read them again after every store.
template <class V, class S, int N>
class token_rows {
 public:
  MHC_ALWAYS_INLINE token_rows(stream_view<S, N> const& x, std::ptrdiff_t b)
      : at_(x.stream(b, 0)), channels_(x.channels) {}
  MHC_ALWAYS_INLINE token_rows(token_view<S> const& x, std::ptrdiff_t b)
    requires(N == 1)
      : at_(x.token(b)), channels_(x.channels) {}

  /// n channels from c on, of all rows or of Count from First on; zero in the other lanes.
  template <int First = 0, int Count = N>
  MHC_ALWAYS_INLINE math::vec<V, Count> load(std::ptrdiff_t c, auto n) const {
    math::vec<V, Count> x;
    MHC_UNROLL for (int i = 0; i < Count; ++i) x[i] = load_line<V>(at_ + (First + i) * channels_ + c, n);
    return x;
  }
  /// The same, past the cache if `past`.
  MHC_ALWAYS_INLINE void store(bool past, math::vec<V, N> const& x, std::ptrdiff_t c, auto n) const {
    auto const all = [&](bool goes) MHC_ALWAYS_INLINE {
      MHC_UNROLL for (int i = 0; i < N; ++i) store_line(goes, x[i], at_ + i * channels_ + c, n);
    };
    past ? all(true) : all(false);
  }
  /// Asks for what is to be read next while channels c … c + width − 1 are worked on, a Part of Parts of it: the next token,
  /// or what is 4 KB further on if that is more, in the order in which it lies in memory, not in that in which it will be
  /// read. It goes into the first level of the cache if `first_level`, see at_level_of, else into the second. Tokens of more
  /// than 4 streams that are too large for the first fill much of that, so of them it is what is row_ahead further on in
  /// each row; of one row, which is read in its order, 2 KB.
  template <int Part = 0, int Parts = 1>
  MHC_ALWAYS_INLINE void prefetch_next(auto first_level, std::ptrdiff_t c) const {
    constexpr std::ptrdiff_t line = 64 / size, least_ahead = (4 << 10) / size;
    if constexpr (N <= 4 || first_level) {
      constexpr std::ptrdiff_t lines = (N * width<V> + line - 1) / line;
      std::ptrdiff_t const ahead = N == 1 ? 32 * line : std::max(N * channels_, least_ahead);
      MHC_UNROLL for (std::ptrdiff_t k = Part * lines / Parts; k < (Part + 1) * lines / Parts; ++k)
          prefetch<N == 1 || first_level ? 3 : 2>(at_, ahead + N * c + k * line);
    } else {
      constexpr std::ptrdiff_t lines = (width<V> + line - 1) / line;
      std::ptrdiff_t const further = c + row_ahead<std::remove_const_t<S>>;
      std::ptrdiff_t const at = further < channels_ ? further : further + (N - 1) * channels_;  // of the next token
      MHC_UNROLL for (int i = Part * N / Parts; i < (Part + 1) * N / Parts; ++i)
          MHC_UNROLL for (std::ptrdiff_t k = 0; k < lines; ++k) prefetch(at_, at + i * channels_ + k * line);
    }
  }

  MHC_ALWAYS_INLINE void prefetch_next(std::ptrdiff_t c) const
    requires(N == 1)
  {
    prefetch_next(std::true_type{}, c);
  }

 private:
  static constexpr auto size = static_cast<std::ptrdiff_t>(sizeof(S));
  S* at_;
  std::ptrdiff_t channels_;
};

/// What an operation on a tensor of streams writes meanwhile: tokens of one stream at most, streams too, or streams that it
/// adds to and so reads.
enum class writing { little, streams, sums };

/// f(first_level): whether what comes next of x goes into the first level of the cache. Of more than 24 KiB a token would be
/// thrown out by the next before it is used up, of half of that where there are sums; of two tensors of streams whose next is
/// asked for neither goes there, because each is in the other's way; and where no streams are written the processor foresees
/// tokens of up to 1 KiB better. A type, so that each has a loop of its own: a branch inside takes up to a tenth of what
/// memory gives.
template <class S, int N, class F>
MHC_ALWAYS_INLINE inline void at_level_of(stream_view<S, N> const& x, writing what, F const& f) {
  auto const bytes = token_length(x) * static_cast<std::ptrdiff_t>(sizeof(S));
  auto const least = what == writing::little ? std::ptrdiff_t(1) << 10 : 0;
  auto const most = what == writing::sums ? near_token_bytes / 2 : near_token_bytes;
  if constexpr (N == 1)  // which is always read in its order
    f(std::true_type{});
  else if (least < bytes && bytes <= most)
    f(std::true_type{});
  else
    f(std::false_type{});
}

template <class V, class S, int N>
MHC_ALWAYS_INLINE inline token_rows<V, S, N> rows_of(stream_view<S, N> const& x, std::ptrdiff_t b) {
  return {x, b};
}
template <class V, class S>
MHC_ALWAYS_INLINE inline token_rows<V, S, 1> rows_of(token_view<S> const& x, std::ptrdiff_t b) {
  return {x, b};
}

/// Bytes of tokens after which a thread waits for its stores past the cache to arrive.
inline constexpr std::ptrdiff_t bytes_between_fences = 1 << 18;

}  // namespace mhc::detail

namespace mhc::cpu {

/// body(b, past) for the tokens b of `written`, over the policy's threads; `past` where stores to `written` are to go past the
/// cache.
template <class V, class Policy, class View, class F>
void for_each_token(Policy const& policy, View const& written, detail::destination to, F&& body) {
  bool const past = detail::goes_past_cache<V>(written, to);
  auto const token_bytes = detail::token_length(written) * static_cast<std::ptrdiff_t>(sizeof(*written.data));
  std::ptrdiff_t const some = past ? std::max(detail::bytes_between_fences / token_bytes, std::ptrdiff_t(1)) : 1;
  for_each(policy, (written.size + some - 1) / some, [&](std::ptrdiff_t group) {
    std::ptrdiff_t const end = std::min((group + 1) * some, written.size);
    for (std::ptrdiff_t b = group * some; b < end; ++b) body(b, past);
    if (past) detail::fence_past_cache();
  });
}

template <class V, class Policy, class View, class F>
void for_each_token(Policy const& policy, View const& written, F&& body) {
  for_each_token<V>(policy, written, detail::destination::by_size, body);
}

}  // namespace mhc::cpu

MHC_END_LANES
