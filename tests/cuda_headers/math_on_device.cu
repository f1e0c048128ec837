// SPDX-License-Identifier: MIT
// The maths, instantiated with plain numbers in device code: one matrix per thread.

#include <mhc/math/gates.hpp>
#include <mhc/math/streams.hpp>
#include <mhc/math/tile.hpp>
#include <mhc/projections/circulant.hpp>
#include <mhc/projections/concepts.hpp>
#include <mhc/projections/entropic.hpp>
#include <mhc/projections/euclidean.hpp>
#include <mhc/projections/identity.hpp>
#include <mhc/projections/kronecker.hpp>
#include <mhc/projections/orthogonal.hpp>
#include <mhc/projections/orthostochastic.hpp>
#include <mhc/projections/permutation.hpp>
#include <mhc/projections/sinkhorn.hpp>
#include <mhc/projections/transport.hpp>
#include <mhc/projections/unconstrained.hpp>

namespace {

template <class Registers, class T>
__device__ Registers load(T const* data) {
  Registers a;
  MHC_UNROLL for (int k = 0; k < Registers::count; ++k) a[k] = data[k];
  return a;
}

template <class Registers, class T>
__device__ void store(Registers const& a, T* data) {
  MHC_UNROLL for (int k = 0; k < Registers::count; ++k) data[k] = a[k];
}

template <class T, int N, class Projection>
__global__ void project(Projection projection, T const* logits, T const* tangent, T* plan, T* gradient, T* change,
                        T* error) {
  using vector = mhc::math::vec<T, mhc::logits_of<Projection, N>>;
  using matrix = mhc::math::tile<T, N>;
  auto const z = load<vector>(logits);
  auto const p = projection.template apply<N>(z);
  store(p, plan);
  store(projection.vjp(z, p, load<matrix>(tangent)), gradient);
  store(projection.jvp(z, p, load<vector>(tangent)), change);
  *error = mhc::math::marginal_error(p);
}

template <class T, int N>
__global__ void mix(T const* h_res, T const* h_post, T const* x, T y, T* x_next, T* u) {
  using vector = mhc::math::vec<T, N>;
  using matrix = mhc::math::tile<T, N>;
  store(mhc::math::mix(load<matrix>(h_res), load<vector>(h_post), load<vector>(x), y), x_next);
  store(mhc::math::mix_transposed(load<matrix>(h_res), load<vector>(x)), x_next + N);
  *u = mhc::math::sigmoid(mhc::math::aggregate(load<vector>(h_post), load<vector>(x)));
}

template <class T, int N, class Projection>
__global__ void differentiate_twice(Projection projection, T const* logits, T const* plan, T const* gradient,
                                    T* plan_cotangent, T* logits_cotangent) {
  using vector = mhc::math::vec<T, N * N>;
  using matrix = mhc::math::tile<T, N>;
  auto const second =
      projection.vjp_vjp(load<vector>(logits), load<matrix>(plan), load<matrix>(gradient), load<vector>(gradient));
  store(second.plan_gradient, plan_cotangent);
  store(second.logits, logits_cotangent);
}

template <class T, int N, class... Projections>
void project_each(Projections const&... projections) {
  (project<T, N><<<1, 1>>>(projections, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr), ...);
}

template <class T, int N>
void instantiate() {
  namespace convention = mhc::convention;
  project_each<T, N>(mhc::sinkhorn<>{}, mhc::sinkhorn<convention::deepseek_v4>{}, mhc::sinkhorn<convention::megatron>{},
                     mhc::sinkhorn<convention::log_domain>{}, mhc::entropic{}, mhc::entropic_with_marginals<N>{});
  differentiate_twice<T, N><<<1, 1>>>(mhc::entropic{}, nullptr, nullptr, nullptr, nullptr, nullptr);
  project_each<T, N>(mhc::identity{}, mhc::unconstrained{}, mhc::permutation{}, mhc::kronecker{}, mhc::circulant{},
                     mhc::orthostochastic<1>{}, mhc::orthostochastic<2>{}, mhc::transport{}, mhc::orthogonal{},
                     mhc::euclidean{});
  mix<T, N><<<1, 1>>>(nullptr, nullptr, nullptr, T(0), nullptr, nullptr);
}

}  // namespace

void instantiate_maths_on_device() {
  instantiate<float, 4>();
  instantiate<double, 2>();
}
