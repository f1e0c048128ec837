// SPDX-License-Identifier: MIT
#pragma once

#include "support/results.hpp"

#include <ostream>
#include <string>
#include <utility>
#include <vector>

/// @file
/// Results as JSON, one object a line, so that line by line tools can read them too.

namespace bench {

inline std::string quoted(std::string const& text) {
  std::string safe = "\"";
  for (char const c : text) {
    if (c == '"' || c == '\\') safe += '\\';
    safe += static_cast<unsigned char>(c) < ' ' ? ' ' : c;
  }
  return safe + '"';
}

inline void write(std::ostream& to, samples const& s) {
  char const* separator = "[";
  for (double const x : s) {
    to << separator << x;
    separator = ", ";
  }
  to << (s.empty() ? "[]" : "]");
}

/// One line for each number of threads. Every array has one number for each repetition.
inline void write(std::ostream& to, result const& r, run const& by) {
  static constexpr char const* names[] = {"none", "read", "copy", "fma"};
  to << "{\"operation\": " << quoted(r.what.operation) << ", \"type\": " << quoted(r.what.scalar)
     << ", \"n\": " << r.what.n << ", \"channels\": " << r.what.channels << ", \"items\": " << r.what.items
     << ", \"threads\": " << by.threads << ", \"ns\": " << 1e9 * best(by.ours)
     << ", \"naive_ns\": " << 1e9 * best(r.naive) << ", \"speedup\": " << speedup(r, by)
     << ", \"share\": " << share(r.what, by)
     << ", \"limit\": " << quoted(names[static_cast<int>(least(r.what, by.machine).by)])
     << ", \"bytes\": " << r.what.bytes() << ", \"operations\": " << r.what.operations() << ", \"seconds\": ";
  write(to, by.ours);
  to << ", \"naive_seconds\": ";
  write(to, r.naive);
  to << ", \"read_seconds\": ";
  write(to, by.machine.read);
  to << ", \"copy_seconds\": ";
  write(to, by.machine.copy);
  to << ", \"fma_seconds\": ";
  write(to, by.machine.arithmetic);
  to << '}';
}

using facts = std::vector<std::pair<std::string, std::string>>;

/// `rates` are the limits of the whole run, per second.
inline void write(std::ostream& to, facts const& machine, std::vector<std::pair<std::string, double>> const& rates,
                  std::vector<result> const& results) {
  to.precision(5);
  to << '{';
  for (auto const& [key, value] : machine) to << quoted(key) << ": " << quoted(value) << ",\n ";
  to << "\"limits\": {";
  char const* separator = "\n  ";
  for (auto const& [name, rate] : rates) {
    to << separator << quoted(name) << ": " << rate;
    separator = ",\n  ";
  }
  to << "},\n \"results\": [";
  separator = "\n  ";
  for (auto const& r : results)
    for (auto const& by : r.runs) {
      to << separator;
      write(to, r, by);
      separator = ",\n  ";
    }
  to << "]}\n";
}

}  // namespace bench
