// expect-error: projection_onto
// A family that does not exist for this order is refused by the concept's name.

#include <mhc/ops/project/project.hpp>
#include <mhc/projections/kronecker.hpp>

void use(float const* logits, float* plan) {
  mhc::project(mhc::seq, mhc::kronecker{}, mhc::vector_view<float const, mhc::logits_of<mhc::kronecker, 6>>{logits, 1},
               mhc::batch_view<float, 6>{plan, 1});
}
