// SPDX-License-Identifier: MIT
#pragma once

#include "support/results.hpp"

#include <cstdio>
#include <string>
#include <vector>

/// @file
/// Results as lines of one table, printed as they come.

namespace bench {

inline std::string number(double value, int digits, char const* unit = "") {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f%s", digits, value, unit);
  return text;
}

/// Three digits, in ns or µs; "-" for none.
inline std::string time_text(double seconds) {
  if (!(seconds > 0)) return "-";
  bool const small = seconds < 1e-5;
  double const value = seconds * (small ? 1e9 : 1e6);
  return number(value, value < 10 ? 2 : value < 100 ? 1 : 0, small ? " ns" : " us");
}

/// amount per second in units of 10^9; "-" for none.
inline std::string rate_text(double amount, double seconds) {
  return amount > 0 && seconds > 0 ? number(1e-9 * amount / seconds, 1) : "-";
}

inline std::string share_text(description const& what, run const& r) {
  static constexpr char const* names[] = {"", " read", " copy", " FMA"};
  auto const by = least(what, r.machine).by;
  double const part = share(what, r);
  return part > 0 ? number(100 * part, 0, " %") + names[static_cast<int>(by)] : "-";
}

inline std::string speedup_text(result const& r, run const& by) {
  double const ratio = speedup(r, by);
  return ratio > 0 ? number(ratio, ratio < 10 ? 2 : 1, "x") : "-";
}

inline std::string table_header(std::vector<int> const& threads) {
  char text[256];
  std::snprintf(text, sizeof text, "%-30s %-6s %2s %6s %9s", "operation", "type", "n", "C", "Eigen");
  std::string line = text;
  for (int const k : threads) {
    auto const column = std::to_string(k) + (k == 1 ? " thread" : " threads");
    std::snprintf(text, sizeof text, " | %10s %7s %8s %10s %7s", column.c_str(), "GB/s", "GFLOP/s", "share of",
                  "x Eigen");
    line += text;
  }
  return line;
}

/// C is that of a token; of projections, which have none, the batch.
inline std::string table_line(result const& r) {
  auto const& what = r.what;
  char text[256];
  std::snprintf(text, sizeof text, "%-30s %-6s %2d %6td %9s", what.operation.c_str(), what.scalar.c_str(), what.n,
                what.channels > 0 ? what.channels : what.items, time_text(best(r.naive)).c_str());
  std::string line = text;
  for (auto const& by : r.runs) {
    double const taken = best(by.ours);
    std::snprintf(text, sizeof text, " | %10s %7s %8s %10s %7s", time_text(taken).c_str(),
                  rate_text(what.bytes(), taken).c_str(), rate_text(what.operations(), taken).c_str(),
                  share_text(what, by).c_str(), speedup_text(r, by).c_str());
    line += text;
  }
  return line;
}

}  // namespace bench
