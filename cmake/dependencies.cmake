# SPDX-License-Identifier: MIT
# Where a dependency comes from: the target that the enclosing project has, else the system's package, else the commit
# pinned here. No version is asked for: each is used through its oldest interface.

include(FetchContent)
include(${CMAKE_CURRENT_LIST_DIR}/xsimd_without_xtl.cmake)
set(CMAKE_FIND_PACKAGE_TARGETS_GLOBAL ON)  # mhc::mhc is linked in folders that did not look for its dependencies

# Only the sources, one commit deep; the commit's hash vouches for every byte.
macro(mhc_fetch name repository commit)
  find_package(Git REQUIRED)
  message(STATUS "mhc: ${name} from ${repository} at ${commit}")
  FetchContent_Declare(${name}
    DOWNLOAD_COMMAND ${GIT_EXECUTABLE} init --quiet <SOURCE_DIR>
    COMMAND ${GIT_EXECUTABLE} -C <SOURCE_DIR> fetch --quiet --depth 1 ${repository} ${commit}
    COMMAND ${GIT_EXECUTABLE} -C <SOURCE_DIR> checkout --quiet --force FETCH_HEAD
    SOURCE_SUBDIR sources-only)
  FetchContent_MakeAvailable(${name})
endmacro()

# mhc_headers_in_prefix(target header): bare headers, without a package file, in one of the folders of CMAKE_PREFIX_PATH.
function(mhc_headers_in_prefix target header)
  string(MAKE_C_IDENTIFIER "mhc_${target}_folder" folder)
  find_path(${folder} ${header} PATH_SUFFIXES eigen3)
  mark_as_advanced(${folder})
  if(${folder})
    add_library(${target} INTERFACE IMPORTED GLOBAL)
    target_include_directories(${target} INTERFACE ${${folder}})
  endif()
endfunction()

# mhc_find_headers(target package header include_folder repository commit): a library that is headers alone.
function(mhc_find_headers target package header folder repository commit)
  if(NOT TARGET ${target} AND NOT MHC_FETCH)
    find_package(${package} QUIET)
  endif()
  if(NOT TARGET ${target} AND NOT MHC_FETCH)
    mhc_headers_in_prefix(${target} ${header})
  endif()
  if(NOT TARGET ${target})
    string(TOLOWER mhc_${package} name)
    mhc_fetch(${name} ${repository} ${commit})
    add_library(${target} INTERFACE IMPORTED GLOBAL)  # imported: its headers are system headers
    target_include_directories(${target} INTERFACE ${${name}_SOURCE_DIR}/${folder})
  endif()
endfunction()

# mhc_find_built(target package repository commit): a library that is compiled.
function(mhc_find_built target package repository commit)
  if(NOT TARGET ${target} AND NOT MHC_FETCH)
    find_package(${package} QUIET)
  endif()
  if(NOT TARGET ${target})
    string(TOLOWER mhc_${package} name)
    mhc_fetch(${name} ${repository} ${commit})
    add_subdirectory(${${name}_SOURCE_DIR} ${${name}_BINARY_DIR} EXCLUDE_FROM_ALL)
    get_target_property(aliased ${target} ALIASED_TARGET)
    get_target_property(folders ${aliased} INTERFACE_INCLUDE_DIRECTORIES)
    set_target_properties(${aliased} PROPERTIES INTERFACE_SYSTEM_INCLUDE_DIRECTORIES "${folders}")
  endif()
endfunction()

macro(mhc_find_xsimd)  # 13.2.0
  mhc_find_headers(xsimd xsimd xsimd/xsimd.hpp include
    https://github.com/xtensor-stack/xsimd.git 1f8dd9c8e162968d9b4ff0251c56d431b8777f36)
  mhc_xsimd_without_xtl()
endmacro()

macro(mhc_find_eigen)  # 3.4.0
  mhc_find_headers(Eigen3::Eigen Eigen3 Eigen/Core .
    https://gitlab.com/libeigen/eigen.git 3147391d946bb4b6c68edd901f2add6ac1f31f8c)
endmacro()

macro(mhc_find_cli11)  # 2.4.1
  mhc_find_headers(CLI11::CLI11 CLI11 CLI/CLI.hpp include
    https://github.com/CLIUtils/CLI11.git f4d0731cebb123ff0ace712c099dffbcd2c58e5a)
endmacro()

macro(mhc_find_json)  # 3.11.3
  mhc_find_headers(nlohmann_json::nlohmann_json nlohmann_json nlohmann/json.hpp single_include
    https://github.com/nlohmann/json.git 9cca280a4d0ccf0c08f47a99aa71d1b0e52f8d03)
endmacro()

macro(mhc_find_catch2)  # 3.7.1
  if(NOT TARGET Catch2::Catch2 AND NOT MHC_FETCH)
    find_package(Catch2 QUIET)
  endif()
  if(NOT TARGET Catch2::Catch2 AND NOT MHC_FETCH)
    mhc_headers_in_prefix(Catch2::Catch2 catch2/catch.hpp)  # the single header of Catch2 2
  endif()
  mhc_find_built(Catch2::Catch2 Catch2
    https://github.com/catchorg/Catch2.git fa43b77429ba76c462b1898d6cd2f2d7a9416b14)
endmacro()

macro(mhc_find_benchmark)  # 1.9.1
  set(BENCHMARK_ENABLE_TESTING OFF)
  set(BENCHMARK_ENABLE_WERROR OFF)
  set(BENCHMARK_ENABLE_INSTALL OFF)
  mhc_find_built(benchmark::benchmark benchmark
    https://github.com/google/benchmark.git c58e6d0710581e3a08d65c349664128a8d9a2461)
endmacro()
