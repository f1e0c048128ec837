# SPDX-License-Identifier: MIT
# The tests of the CUDA backend, for the device (here) and for its emulation on the host (../cuda_emulation).

file(GLOB cuda_test_kernels CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cu)
file(GLOB cuda_test_sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_LIST_DIR}/*.cpp)
set(cuda_device_only_kernels ${cuda_test_kernels})
list(FILTER cuda_device_only_kernels INCLUDE REGEX "/only_[a-z_]*\\.cu$")  # what the emulation does not have: graphs
set(cuda_device_only_sources ${cuda_test_sources})
list(FILTER cuda_device_only_sources INCLUDE REGEX "/only_[a-z_]*\\.cpp$")
