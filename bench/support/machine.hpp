// SPDX-License-Identifier: MIT
#pragma once

#include "support/memory.hpp"
#include "support/processor.hpp"
#include "support/threads.hpp"

#include <mhc/ops/lanes.hpp>

#include <cstddef>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <utility>
#include <vector>

namespace bench {

inline std::string compiler() {
#if defined(__clang__)
  return "clang " __clang_version__;
#elif defined(__GNUC__)
  return "gcc " __VERSION__;
#else
  return "unknown";
#endif
}

inline std::string utc_time() {
  std::time_t const seconds = std::time(nullptr);
  char text[32];
  std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", std::gmtime(&seconds));
  return text;
}

/// Of what size pages are that the system was asked for: whether it has those, not whether it gave them.
inline std::string pages_asked_for() {
  std::string choices, bytes;
  std::string const folder = "/sys/kernel/mm/transparent_hugepage/";
  std::ifstream enabled(folder + "enabled"), size(folder + "hpage_pmd_size");
  std::getline(enabled, choices);
  std::getline(size, bytes);
  bool const has_large = !choices.empty() && choices.find("[never]") == std::string::npos && !bytes.empty();
  return has_large && !small_pages() ? bytes + " bytes" : "small";
}

/// What a reader has to know to repeat a run. The commit is that of the environment, MHC_COMMIT.
inline std::vector<std::pair<std::string, std::string>> machine_facts() {
  char const* const commit = std::getenv("MHC_COMMIT");
  return {{"cpu", processor()},
          {"instruction_set", xsimd::default_arch::name()},
          {"cores", std::to_string(thread_counts().back())},
          {"last_level_cache_bytes", std::to_string(last_level_cache())},
          {"pages", pages_asked_for()},
          {"compiler", compiler()},
          {"flags", MHC_BENCH_FLAGS},
          {"date", utc_time()},
          {"commit", commit != nullptr ? commit : "unknown"}};
}

}  // namespace bench
