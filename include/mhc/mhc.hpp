// SPDX-License-Identifier: MIT
#pragma once

/// @file
/// Everything on the host. In a .cu file the host policy is mhc::seq.

#include <mhc/compose/initialise.hpp>
#include <mhc/compose/stack.hpp>
#include <mhc/geometry/collapse.hpp>
#include <mhc/geometry/decomposition.hpp>
#include <mhc/geometry/distance.hpp>
#include <mhc/geometry/gains.hpp>
#include <mhc/geometry/membership.hpp>
#include <mhc/geometry/retraction.hpp>
#include <mhc/geometry/rounding.hpp>
#include <mhc/geometry/sampling.hpp>
#include <mhc/geometry/spectrum.hpp>
#include <mhc/geometry/tangent.hpp>
#include <mhc/ops/aggregate/aggregate.hpp>
#include <mhc/ops/coefficients/coefficients.hpp>
#include <mhc/ops/connections.hpp>
#include <mhc/ops/contract/contract.hpp>
#include <mhc/ops/expand/expand.hpp>
#include <mhc/ops/marginal_error/marginal_error.hpp>
#include <mhc/ops/mix/mix.hpp>
#include <mhc/ops/mix_pre/mix_pre.hpp>
#include <mhc/ops/pre/pre.hpp>
#include <mhc/ops/project/project.hpp>
#include <mhc/ops/project_matrix/project_matrix.hpp>
#include <mhc/projections/circulant.hpp>
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
