// SPDX-License-Identifier: MIT
// Streams that are written past the cache: as if none were large. What is large, this file says; rows that do not begin at
// a multiple of a register are written through the cache all the same.

#define MHC_CACHE_BYTES 1024

#include "support/arrays.hpp"
#include "support/cases.hpp"

#include <mhc/ops/aggregate/aggregate.hpp>
#include <mhc/ops/contract/contract.hpp>
#include <mhc/ops/expand/expand.hpp>
#include <mhc/ops/mix/mix.hpp>
#include <mhc/ops/mix_pre/mix_pre.hpp>
#include <mhc/ops/pre/pre.hpp>
#include <mhc/projections/sinkhorn.hpp>

#include <cstdlib>
#include <map>
#include <memory>
#include <string>

using namespace mhc::test;
using mhc::bfloat16;
using mhc::half;
using mhc::stream_view;

namespace {

/// `count` elements that nobody has written, at a multiple of 64 bytes or one element further.
template <class S>
class placed {
 public:
  placed(std::ptrdiff_t count, bool aligned)
      : count_(count),
        memory_(
            static_cast<S*>(std::aligned_alloc(64, (static_cast<std::size_t>(count + 1) * sizeof(S) + 127) / 64 * 64))),
        first_(memory_.get() + (aligned ? 0 : 1)) {
    std::fill_n(first_, count, not_a_number<S>);
  }
  S* data() const { return first_; }
  std::vector<long double> values() const { return widen(std::vector<S>(first_, first_ + count_)); }

 private:
  struct release {
    void operator()(S* p) const { std::free(p); }
  };
  std::ptrdiff_t count_;
  std::unique_ptr<S, release> memory_;
  S* first_;
};

template <class S, int N>
struct problem {
  using T = mhc::coefficient_t<S>;
  std::ptrdiff_t b, c;
  std::vector<T> res = gaussian<T>(b * N * N, 1, 1), post = gaussian<T>(b * N, 1, 2);
  std::vector<S> x = gaussian<S>(b * N * c, 1, 3), y = gaussian<S>(b * c, 1, 4), g = gaussian<S>(b * N * c, 1, 5);
};

template <class S, int N>
std::map<std::string, std::vector<long double>> run(problem<S, N> const& in, int threads, bool aligned) {
  using T = mhc::coefficient_t<S>;
  using V = mhc::detail::lanes<T, xsimd::default_arch>;
  auto const policy = mhc::simd.with_threads(threads);
  std::ptrdiff_t const b = in.b, c = in.c;
  stream_view<S const, N> const x{in.x.data(), b, c}, g{in.g.data(), b, c};
  mhc::token_view<S const> const y{in.y.data(), b, c};
  std::map<std::string, std::vector<long double>> r;
  auto const stream = [&](std::string const& name, auto const& op) {
    placed<S> out(b * N * c, aligned);
    stream_view<S, N> const view{out.data(), b, c};
    REQUIRE(mhc::detail::goes_past_cache<V>(view) == aligned);
    op(view);
    r[name] = out.values();
  };
  auto const token = [&](std::string const& name, auto const& op) {
    placed<S> out(b * c, aligned);
    mhc::token_view<S> const view{out.data(), b, c};
    REQUIRE(mhc::detail::goes_past_cache<V>(view) == aligned);
    op(view);
    r[name] = out.values();
  };
  std::vector<T> rg(in.res.size()), pg(in.post.size()), next_post(in.post.size());
  std::vector<S> yg(in.y.size());
  stream("mix", [&](auto out) { mhc::mix(policy, {in.res.data(), b}, {in.post.data(), b}, x, y, out); });
  stream("mix_vjp", [&](auto out) {
    mhc::mix_vjp(policy, {in.res.data(), b}, {in.post.data(), b}, x, y, g, {rg.data(), b}, {pg.data(), b}, out,
                 {yg.data(), b, c});
  });
  stream("aggregate_vjp",
         [&](auto out) { mhc::aggregate_vjp(policy, {in.post.data(), b}, x, y, {pg.data(), b}, out); });
  stream("expand", [&](auto out) { mhc::expand(policy, y, out); });
  stream("contract_vjp", [&](auto out) { mhc::contract_vjp(policy, mhc::contraction::mean, y, out); });
  token("aggregate", [&](auto out) { mhc::aggregate(policy, {in.post.data(), b}, x, out); });
  token("contract", [&](auto out) { mhc::contract(policy, mhc::contraction::sum, x, out); });
  token("expand_vjp", [&](auto out) { mhc::expand_vjp(policy, x, out); });
  using P = mhc::sinkhorn<>;
  mhc::connection<T, N, P> const connection{c};
  auto const phi = gaussian<T>((2 * N + N * N) * N * c, 0.1, 6), bias = gaussian<T>(2 * N + N * N, 1, 7);
  T const alpha[] = {T(1), T(0.5), T(-1)};
  stream("pre_vjp", [&](auto out) {
    std::vector<T> phi_gradient(phi.size()), bias_gradient(bias.size()), alpha_gradient(3);
    mhc::pre_vjp(policy, connection, {phi.data(), alpha, bias.data()}, x, y, {in.post.data(), b}, {in.res.data(), b},
                 out, {phi_gradient.data(), alpha_gradient.data(), bias_gradient.data()});
    r["pre_vjp phi"] = widen(phi_gradient);
  });
  stream("mix_pre", [&](auto out) {
    mhc::mix_pre(policy, {in.res.data(), b}, {in.post.data(), b}, x, y, connection, {phi.data(), alpha, bias.data()},
                 out, {pg.data(), b}, {next_post.data(), b}, {rg.data(), b}, {yg.data(), b, c});
    r["mix_pre u"] = widen(yg);
  });
  stream("mix_pre_vjp", [&](auto out) {
    std::vector<S> next_gradient(in.g);
    std::vector<T> phi_gradient(phi.size()), bias_gradient(bias.size()), alpha_gradient(3);
    mhc::mix_pre_vjp(policy, {in.res.data(), b}, {in.post.data(), b}, x, y, connection,
                     {phi.data(), alpha, bias.data()}, g, {next_gradient.data(), b, c}, y, {in.post.data(), b},
                     {in.res.data(), b}, {rg.data(), b}, {pg.data(), b}, out, {yg.data(), b, c},
                     {phi_gradient.data(), alpha_gradient.data(), bias_gradient.data()});
    r["mix_pre_vjp phi"] = widen(phi_gradient);
  });
  return r;
}

}  // namespace

using large_cases =
    std::tuple<test_case<mhc::simd_t, float, 4>, test_case<mhc::simd_t, float, 1>, test_case<mhc::simd_t, float, 8>,
               test_case<mhc::simd_t, double, 3>, test_case<mhc::simd_t, bfloat16, 4>, test_case<mhc::simd_t, half, 2>>;

TEMPLATE_LIST_TEST_CASE("streams past the cache: the same bits", "[ops][law]", large_cases) {
  using S = typename TestType::value;
  constexpr int N = TestType::n;
  for (std::ptrdiff_t const channels : {16, 112, 4096})
    for (int const threads : {1, 2}) {
      problem<S, N> const in{channels == 4096 ? 9 : 70, channels};
      auto const through = run<S, N>(in, threads, false);
      REQUIRE(through.size() == 14);
      for (auto const& [name, values] : run<S, N>(in, threads, true)) {
        CAPTURE(N, channels, threads, name);
        REQUIRE(values == through.at(name));
      }
    }
}

TEST_CASE("streams past the cache: registers that rows do not align to are not", "[ops]") {
  placed<float> x(4 * 4 * 4099, true);
  using V = mhc::detail::lanes<float, xsimd::default_arch>;
  CHECK_FALSE(mhc::detail::goes_past_cache<V>(stream_view<float, 4>{x.data(), 4, 4099}));
  CHECK(mhc::detail::goes_past_cache<V>(stream_view<float, 4>{x.data(), 4, 4096}));
  CHECK(mhc::detail::goes_past_cache<V>(stream_view<float, 4>{x.data(), 2, 16}));        // 512 bytes, half of the cache
  CHECK_FALSE(mhc::detail::goes_past_cache<V>(stream_view<float, 4>{x.data(), 1, 16}));  // less than a third
}
