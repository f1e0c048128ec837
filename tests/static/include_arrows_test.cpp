// SPDX-License-Identifier: MIT
// The library's folders include one another in one direction only. Reads every #include line of include/mhc.

#include "support/catch.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using tree = std::map<std::string, std::string>;  // path below include/, text

enum class layer { core, math, projections, shared, backend, operation, compose, geometry, interop, all };

std::set<layer> may_include(layer from) {
  using enum layer;
  switch (from) {
    case core: return {core};
    case math: return {core, math};
    case projections: return {core, math, projections};
    case shared: return {core, math, projections, shared};
    case backend: return {core, math, projections, shared, backend};
    case operation: return {core, math, projections, shared, backend, operation};
    case compose: return {core, math, projections, shared, operation, compose};
    case geometry: return {core, math, projections, operation, geometry};
    case interop: return {core, math, projections, shared, operation, compose, geometry, interop};
    case all: return {core, math, projections, shared, backend, operation, compose, geometry, all};
  }
  return {};
}

bool begins(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }
bool ends(std::string_view text, std::string_view with) {
  return text.size() >= with.size() && text.substr(text.size() - with.size()) == with;
}

/// mhc/ops/mix/mix.hpp is an operation, mhc/ops/mix/simd.hpp one of its backends, mhc/ops/tiles.hpp is shared.
layer layer_of(std::string const& path) {
  if (begins(path, "mhc/core/")) return layer::core;
  if (begins(path, "mhc/math/")) return layer::math;
  if (begins(path, "mhc/projections/")) return layer::projections;
  if (begins(path, "mhc/compose/")) return layer::compose;
  if (begins(path, "mhc/geometry/")) return layer::geometry;
  if (begins(path, "mhc/interop/")) return layer::interop;
  if (!begins(path, "mhc/ops/")) return layer::all;
  std::filesystem::path const file = path;
  auto const folder = file.parent_path().filename();
  if (folder == "ops") return layer::shared;
  return file.stem() == folder ? layer::operation : layer::backend;
}

bool is_vector_code(std::string const& path) {
  return begins(path, "mhc/ops/lanes") || (begins(path, "mhc/ops/") && ends(path, "/simd.hpp"));
}

/// May `path` include <header>, which is not ours?
bool foreign_allowed(std::string const& path, std::string const& header) {
  if (begins(header, "xsimd/") || header == "omp.h" || ends(header, "intrin.h")) return is_vector_code(path);
  if (begins(header, "Eigen/") || begins(header, "unsupported/Eigen/"))
    return layer_of(path) == layer::interop || layer_of(path) == layer::geometry || ends(path, "/simd.hpp");
  if (header == "unistd.h") return path == "mhc/ops/large_tensors.hpp";  // the size of the cache
  bool const standard = header.find_first_not_of("abcdefghijklmnopqrstuvwxyz_") == std::string::npos;
  return standard || ends(path, ".cuh");  // CUDA's own headers
}

bool allowed(tree const& headers, std::string const& path, std::string const& header) {
  if (!begins(header, "mhc/")) return foreign_allowed(path, header);
  return headers.count(header) == 1 && may_include(layer_of(path)).count(layer_of(header)) == 1;
}

/// The header that an #include line names, or nothing.
std::string included(std::string_view line) {
  auto const skip = [&line] { line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size())); };
  skip();
  if (!begins(line, "#")) return {};
  line.remove_prefix(1);
  skip();
  if (!begins(line, "include")) return {};
  auto const open = line.find_first_of("<\"");
  if (open == std::string_view::npos) return "(a macro)";
  return std::string{line.substr(open + 1, line.find_first_of(">\"", open + 1) - open - 1)};
}

std::vector<std::string> violations(tree const& headers) {
  std::vector<std::string> found;
  for (auto const& [path, text] : headers) {
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);)
      if (auto const header = included(line); !header.empty() && !allowed(headers, path, header))
        found.push_back(path + " includes " + header);
  }
  return found;
}

tree read_headers(std::filesystem::path const& root) {
  tree headers;
  for (auto const& entry : std::filesystem::recursive_directory_iterator{root}) {
    if (!entry.is_regular_file()) continue;
    std::ifstream file{entry.path()};
    headers[entry.path().lexically_relative(root).generic_string()] = {std::istreambuf_iterator<char>{file}, {}};
  }
  return headers;
}

/// A sound tree in which each folder stands once.
tree sound() {
  return {
      {"mhc/core/views.hpp", "#pragma once\n#include <cstddef>\n"},
      {"mhc/math/tile.hpp", "#include <mhc/core/views.hpp>\n"},
      {"mhc/projections/sinkhorn.hpp", "#include <mhc/math/tile.hpp>\n"},
      {"mhc/ops/tiles.hpp", "#include <mhc/math/tile.hpp>\n"},
      {"mhc/ops/lanes.hpp", "#include <mhc/ops/tiles.hpp>\n#include <xsimd/xsimd.hpp>\n#  include <omp.h>\n"},
      {"mhc/ops/mix/types.hpp", "#include <mhc/core/views.hpp>\n"},
      {"mhc/ops/mix/simd.hpp", "#include <mhc/ops/lanes.hpp>\n#include <Eigen/Core>\n"},
      {"mhc/ops/mix/cuda.cuh", "#include <mhc/ops/mix/types.hpp>\n#include <cuda_runtime.h>\n"},
      {"mhc/ops/mix/mix.hpp", "#include <mhc/ops/mix/simd.hpp>\n"},
      {"mhc/compose/stack.hpp", "#include <mhc/ops/mix/mix.hpp>\n"},
      {"mhc/geometry/gains.hpp", "#include <mhc/math/tile.hpp>\n#include <Eigen/Core>\n"},
      {"mhc/interop/eigen.hpp", "#include <mhc/core/views.hpp>\n#include <Eigen/Core>\n"},
      {"mhc/mhc.hpp", "#include <mhc/compose/stack.hpp>\n#include <mhc/geometry/gains.hpp>\n"},
  };
}

struct violation {
  char const *path, *line;
};

}  // namespace

TEST_CASE("the library's folders include one another in one direction", "[static][include_arrows]") {
  auto const headers = read_headers(MHC_INCLUDE_DIR);
  REQUIRE(headers.count("mhc/mhc.hpp") == 1);
  CHECK(violations(headers) == std::vector<std::string>{});
}

TEST_CASE("a sound tree has no violation, and each planted one is found", "[static][include_arrows]") {
  REQUIRE(violations(sound()).empty());
  auto const planted = GENERATE(values<violation>({
      {"mhc/core/views.hpp", "#include <mhc/math/tile.hpp>"},
      {"mhc/core/views.hpp", "#include <Eigen/Core>"},
      {"mhc/math/tile.hpp", "#include <mhc/projections/sinkhorn.hpp>"},
      {"mhc/math/tile.hpp", "#include <xsimd/xsimd.hpp>"},
      {"mhc/projections/sinkhorn.hpp", "#include <mhc/ops/tiles.hpp>"},
      {"mhc/ops/tiles.hpp", "#include <mhc/ops/mix/types.hpp>"},
      {"mhc/ops/tiles.hpp", "  #  include <xsimd/xsimd.hpp>"},
      {"mhc/ops/mix/types.hpp", "#include <mhc/ops/mix/mix.hpp>"},
      {"mhc/ops/mix/simd.hpp", "#include \"mix.hpp\""},
      {"mhc/ops/mix/simd.hpp", "#include <cuda_runtime.h>"},
      {"mhc/ops/mix/mix.hpp", "#include <mhc/compose/stack.hpp>"},
      {"mhc/ops/mix/mix.hpp", "#include <mhc/geometry/gains.hpp>"},
      {"mhc/compose/stack.hpp", "#include <mhc/ops/mix/simd.hpp>"},
      {"mhc/compose/stack.hpp", "#include <mhc/geometry/gains.hpp>"},
      {"mhc/geometry/gains.hpp", "#include <mhc/compose/stack.hpp>"},
      {"mhc/mhc.hpp", "#include <mhc/interop/eigen.hpp>"},
      {"mhc/mhc.hpp", "#include <mhc/absent.hpp>"},
      {"mhc/mhc.hpp", "#include MHC_HEADER"},
  }));
  CAPTURE(planted.path, planted.line);
  auto headers = sound();
  headers[planted.path] += planted.line;
  CHECK(violations(headers).size() == 1);
}
