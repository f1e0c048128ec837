// SPDX-License-Identifier: MIT
#pragma once

#include "support/results.hpp"

#include <benchmark/benchmark.h>

#include <map>
#include <string>
#include <vector>

namespace bench {

/// Keeps seconds per unit of every repetition, by the benchmark's name. What a unit is and how many of them one
/// iteration does, the benchmark says in its counter "units".
class recorder : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(Context const&) override { return true; }
  void ReportRuns(std::vector<Run> const& runs) override {
    for (auto const& r : runs) {
      auto const units = r.counters.find("units");
      if (r.run_type != Run::RT_Iteration || r.iterations == 0 || units == r.counters.end()) continue;
      auto const name = r.run_name.function_name;
      seconds_[name].push_back(r.real_accumulated_time / static_cast<double>(r.iterations) / units->second.value);
      units_[name] = units->second.value;
    }
  }

  /// The samples of a benchmark, which are then forgotten.
  samples take(std::string const& name) {
    auto taken = std::move(seconds_[name]);
    seconds_.erase(name);
    return taken;
  }
  double units(std::string const& name) const {
    auto const at = units_.find(name);
    return at == units_.end() ? 0 : at->second;
  }

 private:
  std::map<std::string, samples> seconds_;
  std::map<std::string, double> units_;
};

}  // namespace bench
