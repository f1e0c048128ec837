// SPDX-License-Identifier: MIT
#pragma once

#include <fstream>
#include <string>

namespace bench {

/// From /proc/cpuinfo.
inline std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.compare(0, 10, "model name") == 0) return line.substr(line.find(':') + 2);
  return "unknown";
}

}  // namespace bench
