// expect-error: mix
// SPDX-License-Identifier: MIT
#include <mhc/ops/mix/mix.hpp>

void misuse(mhc::batch_view<float, 4> h, mhc::vector_view<float, 4> p, mhc::stream_view<mhc::bfloat16, 4> x,
            mhc::token_view<float> y) {
  mhc::mix(mhc::seq, h, p, x, y, x);
}
