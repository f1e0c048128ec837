// SPDX-License-Identifier: MIT
// No operation allocates: operator new is counted while each of them runs.

#include "support/catch.hpp"

#include <mhc/mhc.hpp>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <new>
#include <vector>

namespace {

long allocations = 0;

}  // namespace

// noinline: g++ would otherwise see malloc paired with delete, and free with new, and warn.
[[gnu::noinline]] void* operator new(std::size_t bytes) {
  ++allocations;
  if (void* p = std::malloc(bytes)) return p;
  throw std::bad_alloc();
}
[[gnu::noinline]] void* operator new(std::size_t bytes, std::nothrow_t const&) noexcept {
  ++allocations;
  return std::malloc(bytes);
}
[[gnu::noinline]] void operator delete(void* p) noexcept { std::free(p); }
[[gnu::noinline]] void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace {

constexpr int N = 4;
constexpr std::ptrdiff_t B = 70, C = 19;

struct buffers {
  std::vector<float> x, x2, gx, gx2, u, gu, y, gy, pre, post, res, gpre, gpost, gres, parameters, gradient, error;
  explicit buffers(std::ptrdiff_t count)
      : x(B * N * C, 0.5f),
        x2(x),
        gx(x),
        gx2(x),
        u(B * C, 0.5f),
        gu(u),
        y(u),
        gy(u),
        pre(B * N),
        post(pre),
        res(B * N * N, 0.25f),
        gpre(pre),
        gpost(pre),
        gres(res),
        parameters(static_cast<std::size_t>(count), 0.1f),
        gradient(parameters),
        error(B) {}
};

template <class Policy, class Projection>
long allocations_of_all(Policy const& policy, Projection const& projection) {
  mhc::connection<float, N, Projection> const connection{.channels = C, .projection = projection};
  mhc::head<float, N> const head{.channels = C};
  buffers a(mhc::parameter_count(connection));
  auto const p = mhc::parameters_at(connection, a.parameters.data());
  auto const g = mhc::parameters_at(connection, a.gradient.data());
  auto const hp = mhc::parameters_at(head, a.parameters.data());
  auto const hg = mhc::parameters_at(head, a.gradient.data());
  mhc::stream_view<float, N> const x{a.x.data(), B, C}, x2{a.x2.data(), B, C}, gx{a.gx.data(), B, C},
      gx2{a.gx2.data(), B, C};
  mhc::token_view<float> const u{a.u.data(), B, C}, gu{a.gu.data(), B, C}, y{a.y.data(), B, C}, gy{a.gy.data(), B, C};
  mhc::vector_view<float, N> const pre{a.pre.data(), B}, post{a.post.data(), B}, gpre{a.gpre.data(), B},
      gpost{a.gpost.data(), B};
  mhc::batch_view<float, N> const res{a.res.data(), B}, gres{a.gres.data(), B};

  mhc::stack<mhc::connection<float, N, Projection>> const network{.connection = connection, .layers = 1};
  std::vector<float> workspace(static_cast<std::size_t>(mhc::workspace_size(network, B)));
  auto const f = [](auto, auto in, auto out) { std::copy_n(in.data, B * C, out.data); };
  auto const f_vjp = [](auto, auto, auto, auto g_out, auto g_in) { std::copy_n(g_out.data, B * C, g_in.data); };

  constexpr int large = 20;
  mhc::matrix_view<float> const m1{a.x.data(), large}, m2{a.x2.data(), large}, m3{a.gx.data(), large},
      m4{a.gx2.data(), large};
  std::vector<double> scratch(static_cast<std::size_t>(
      std::max(mhc::project_workspace_size(projection, large), mhc::project_vjp_workspace_size(projection, large))));

  long const before = allocations;
  mhc::project(policy, projection, m1, m2, scratch);
  mhc::project_vjp(policy, projection, m1, m2, m3, m4, scratch);
  mhc::project(policy, projection, res, gres);
  mhc::project_vjp(policy, projection, res, gres, res, mhc::vector_view<float, N * N>{a.x2.data(), B});
  mhc::project_jvp(policy, projection, res, gres, res, mhc::batch_view<float, N>{a.x2.data(), B});
  mhc::marginal_error(policy, res, {a.error.data(), B});
  mhc::expand(policy, y, x2);
  mhc::expand_vjp(policy, x2, gy);
  mhc::contract(policy, mhc::contraction::mean, x, u);
  mhc::contract_vjp(policy, mhc::contraction::mean, gu, gx);
  mhc::contract(policy, head, hp, x, pre, u);
  mhc::contract_vjp(policy, head, hp, x, gu, gx, hg);
  mhc::coefficients(policy, connection, p, x, pre, post, res);
  mhc::coefficients_vjp(policy, connection, p, x, gpre, gpost, gres, gx, g);
  mhc::pre(policy, connection, p, x, pre, post, res, u);
  mhc::pre_vjp(policy, connection, p, x, gu, gpost, gres, gx, g);
  mhc::aggregate(policy, pre, x, u);
  mhc::aggregate_vjp(policy, pre, x, gu, gpre, gx);
  mhc::mix(policy, res, post, x, y, x2);
  mhc::mix_vjp(policy, res, post, x, y, gx2, gres, gpost, gx, gy);
  mhc::propagate(policy, network, a.parameters.data(), x, x2, workspace, f);
  mhc::propagate_vjp(policy, network, a.parameters.data(), x, workspace, gx2, gx, a.gradient.data(), f_vjp);
  return allocations - before;
}

}  // namespace

TEST_CASE("the counter counts", "[core][allocation]") {
  long const before = allocations;
  std::vector<int> v(100);
  v.push_back(1);
  CHECK(allocations - before >= 2);
}

TEST_CASE("no operation allocates", "[core][allocation]") {
  // OpenMP's runtime starts on first use, and may allocate then: that is the program's cost, not an operation's.
#pragma omp parallel num_threads(2)
  std::atomic_signal_fence(std::memory_order_seq_cst);
  CHECK(allocations_of_all(mhc::seq, mhc::sinkhorn<>{}) == 0);
  CHECK(allocations_of_all(mhc::seq, mhc::entropic{}) == 0);
  CHECK(allocations_of_all(mhc::simd, mhc::sinkhorn<>{}) == 0);
  CHECK(allocations_of_all(mhc::simd, mhc::entropic{}) == 0);
  CHECK(allocations_of_all(mhc::simd.with_threads(2), mhc::sinkhorn<>{.gradient = mhc::gradient::implicit}) == 0);
}
