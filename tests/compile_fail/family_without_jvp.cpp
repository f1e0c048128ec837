// expect-error: projection_onto
// A family of residual mixing that lacks one of its members is refused by the concept's name.

#include <mhc/ops/project/project.hpp>

struct without_jvp {
  template <int N>
  static constexpr int logits = N * N;

  template <int N, class V>
  mhc::math::tile<V, N> apply(mhc::math::vec<V, N * N> const&) const {
    return {};
  }
  template <class V, int N>
  mhc::math::vec<V, N * N> vjp(mhc::math::vec<V, N * N> const&, mhc::math::tile<V, N> const&,
                               mhc::math::tile<V, N> const&) const {
    return {};
  }
};

void use(float const* logits, float* plan) {
  mhc::project(mhc::seq, without_jvp{}, mhc::vector_view<float const, 16>{logits, 1},
               mhc::batch_view<float, 4>{plan, 1});
}
