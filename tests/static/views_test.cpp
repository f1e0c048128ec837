// SPDX-License-Identifier: MIT
// What converts to what, and what does not. Checked by the compiler.

#include "support/catch.hpp"

#include <mhc/core/views.hpp>

#include <concepts>
#include <type_traits>

using mhc::batch_view, mhc::matrix_view, mhc::stream_view, mhc::token_view, mhc::vector_view;

template <class From, class To>
inline constexpr bool only_forward = std::convertible_to<From, To> && !std::convertible_to<To, From>;

static_assert(only_forward<vector_view<float, 4>, vector_view<float const, 4>>);
static_assert(only_forward<batch_view<float, 4>, batch_view<float const, 4>>);
static_assert(only_forward<stream_view<float, 4>, stream_view<float const, 4>>);
static_assert(only_forward<token_view<float>, token_view<float const>>);
static_assert(only_forward<matrix_view<float>, matrix_view<float const>>);
static_assert(only_forward<batch_view<float, 4>, vector_view<float, 16>>);
static_assert(only_forward<batch_view<float, 4>, vector_view<float const, 16>>);
static_assert(only_forward<batch_view<float const, 4>, vector_view<float const, 16>>);
static_assert(!std::convertible_to<batch_view<float const, 4>, vector_view<float, 16>>);
static_assert(!std::convertible_to<batch_view<float, 4>, vector_view<float, 4>>);
static_assert(!std::convertible_to<batch_view<float, 4>, batch_view<double, 4>>);
static_assert(!std::convertible_to<batch_view<float, 4>, batch_view<float, 3>>);
static_assert(!std::convertible_to<stream_view<float, 1>, token_view<float>>);
static_assert(!std::convertible_to<token_view<float>, stream_view<float, 1>>);

static_assert(only_forward<stream_view<mhc::bfloat16, 4>, stream_view<mhc::bfloat16 const, 4>>);
static_assert(!std::convertible_to<token_view<mhc::bfloat16>, token_view<float>>);

template <class V>
inline constexpr bool is_plain =
    std::is_aggregate_v<V> && std::is_trivially_copyable_v<V> && std::is_standard_layout_v<V>;

static_assert(is_plain<vector_view<float, 4>> && is_plain<batch_view<double const, 4>>);
static_assert(is_plain<stream_view<float, 8>> && is_plain<token_view<long double>> && is_plain<matrix_view<float>>);
static_assert(sizeof(batch_view<float, 4>) == 2 * sizeof(void*) && sizeof(stream_view<float, 4>) == 3 * sizeof(void*));

template <int N>
concept has_streams = requires { typename stream_view<float, N>; };
template <int N>
concept has_matrices = requires { typename batch_view<float, N>; };
template <class T>
concept has_tokens = requires { typename token_view<T>; };
template <int K>
concept has_vectors = requires { typename vector_view<float, K>; };

static_assert(has_streams<1> && has_streams<8> && !has_streams<0> && !has_streams<9>);
static_assert(has_matrices<1> && has_matrices<16> && !has_matrices<0> && !has_matrices<17>);
template <class T>
concept has_coefficients = requires { typename vector_view<T, 4>; };

static_assert(has_coefficients<float> && !has_coefficients<mhc::bfloat16> && !has_coefficients<mhc::half>);
static_assert(has_vectors<0> && has_vectors<80> && !has_vectors<-1>);
static_assert(has_tokens<float> && has_tokens<double const> && has_tokens<long double>);
static_assert(has_tokens<mhc::bfloat16> && has_tokens<mhc::half const>);
static_assert(!has_tokens<int> && !has_tokens<bool> && !has_tokens<float*>);

TEST_CASE("views number their elements row by row", "[static][views]") {
  float data[48];
  for (int k = 0; k < 48; ++k) data[k] = static_cast<float>(k);
  REQUIRE(vector_view<float, 5>{data, 9}(2, 3) == 13);
  REQUIRE(batch_view<float, 3>{data, 5}(2, 1, 2) == 23);
  REQUIRE(stream_view<float, 3>{data, 2, 7}.stream(1, 2)[4] == (1 * 3 + 2) * 7 + 4);
  REQUIRE(token_view<float>{data, 2, 7}.token(1)[4] == 11);
  REQUIRE(matrix_view<float>{data, 6}(3, 2) == 20);
  REQUIRE(matrix_view<float>{data, 6}.row(3)[2] == 20);
  REQUIRE(mhc::matrix_at(batch_view<float, 3>{data, 5}, 2)(1, 2) == 23);
  vector_view<float const, 9> const as_vectors = batch_view<float, 3>{data, 5};
  REQUIRE((as_vectors.data == data && as_vectors.size == 5));
  stream_view<float const, 3> const constant = stream_view<float, 3>{data, 2, 7};
  REQUIRE((constant.data == data && constant.size == 2 && constant.channels == 7));
}
