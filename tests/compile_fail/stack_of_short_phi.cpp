// expect-error: one array of one element
// SPDX-License-Identifier: MIT
#include <mhc/compose/workspace.hpp>
#include <mhc/projections/sinkhorn.hpp>

using kind = mhc::with_phi<mhc::bfloat16, mhc::connection<float, 4, mhc::sinkhorn<>>>;

std::ptrdiff_t misuse(kind const& k) { return mhc::workspace_size(mhc::stack<kind>{k, 3}, 5); }
