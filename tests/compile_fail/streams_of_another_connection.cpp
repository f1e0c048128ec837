// expect-error: mhc: a connection is of what its streams are computed in
// SPDX-License-Identifier: MIT
#include <mhc/ops/pre/pre.hpp>
#include <mhc/projections/sinkhorn.hpp>

using kind = mhc::connection<double, 4, mhc::sinkhorn<>>;

void misuse(kind k, mhc::connection_parameters<double, 4, mhc::sinkhorn<>> p, mhc::stream_view<mhc::bfloat16, 4> x) {
  mhc::pre(mhc::seq, k, p, x, {}, {}, {}, {});
}
