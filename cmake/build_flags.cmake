# SPDX-License-Identifier: MIT
# mhc_build_flags: how our own tests, benchmarks and examples are compiled. Never part of mhc::mhc. mhc_warnings: the same
# without an instruction set, for tests of those that a program takes at run time.

include(CheckCXXCompilerFlag)

option(MHC_WERROR "A warning in our own tests, benchmarks and examples is an error" ON)
add_library(mhc_warnings INTERFACE)
add_library(mhc_build_flags INTERFACE)
target_link_libraries(mhc_build_flags INTERFACE mhc_warnings)
set(MHC_WARNINGS "")
if(CMAKE_CXX_COMPILER_ID MATCHES "GNU|Clang")
  set(MHC_WARNINGS -Wall -Wextra -Wconversion -Wshadow -Wpedantic)
  if(MHC_WERROR)
    list(APPEND MHC_WARNINGS -Werror)
  endif()
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # a guess by flow analysis, wrong under sanitizers and in unrolled tiles
    list(APPEND MHC_WARNINGS -Wno-maybe-uninitialized)
    if(CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)  # wrong in GCC 12's own AVX-512 header, GCC bug 105593
      list(APPEND MHC_WARNINGS -Wno-uninitialized)
    endif()
  endif()
endif()
target_compile_options(mhc_warnings INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:${MHC_WARNINGS}>")
if(MHC_ENABLE_CUDA AND MHC_WERROR)
  target_compile_options(mhc_warnings INTERFACE "$<$<COMPILE_LANG_AND_ID:CUDA,NVIDIA>:SHELL:-Werror all-warnings>")
endif()
if(MHC_MARCH)
  check_cxx_compiler_flag(-march=${MHC_MARCH} MHC_MARCH_${MHC_MARCH}_WORKS)
  if(MHC_MARCH_${MHC_MARCH}_WORKS)
    target_compile_options(mhc_build_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-march=${MHC_MARCH}>)
  else()
    message(WARNING "mhc: this compiler does not know -march=${MHC_MARCH}; tests and benchmarks use its baseline")
  endif()
endif()
