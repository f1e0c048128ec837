// SPDX-License-Identifier: MIT
#include "cuda/support/project.cuh"

#include <mhc/projections/entropic.hpp>

MHC_PROJECTION_ON_DEVICE(entropic, float, 16, 4)
MHC_PROJECTION_ON_DEVICE(entropic, float, 64, 8)
MHC_PROJECTION_ON_DEVICE(entropic, double, 9, 3)
MHC_REPORT_ON_DEVICE(entropic, float, 4)
MHC_REPORT_ON_DEVICE(entropic, double, 3)
MHC_REPORT_ON_DEVICE(entropic_with_marginals<3>, double, 3)
MHC_SECOND_DERIVATIVE_ON_DEVICE(entropic, float, 4)
MHC_SECOND_DERIVATIVE_ON_DEVICE(entropic, double, 3)
