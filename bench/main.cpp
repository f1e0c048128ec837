// SPDX-License-Identifier: MIT
// mhc_bench [--json FILE] [--small-pages] [option of Google Benchmark]...: every operation and every gradient by
// mhc::simd, on one thread and on all, against naive Eigen and against what the machine gives. One table, and raw results
// as JSON.
//
// The repetitions of a case, of the same by Eigen and of the machine's limits run in random order, so that whatever else
// the machine does meets all of them; numbers are those of the fastest repetition of each.

#include "support/cases.hpp"
#include "support/json.hpp"
#include "support/machine.hpp"
#include "support/recorder.hpp"
#include "support/table.hpp"

#include <Eigen/Core>
#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <map>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

namespace {

bool starts(std::string_view text, std::string_view with) { return text.substr(0, with.size()) == with; }

/// Google Benchmark 1.8 wants a unit behind the number, and brought Run::skipped; 1.7 wants none.
template <class Run>
constexpr char const* default_min_time() {
  if constexpr (requires(Run const& run) { run.skipped; })
    return "--benchmark_min_time=0.01s";
  else
    return "--benchmark_min_time=0.01";
}

struct options {
  std::string json;
  std::vector<std::string> for_the_library;  ///< our defaults, then what was given, which has the last word
};

/// Leaves with a sentence if there is an argument that means nothing here.
[[noreturn]] void refuse(std::string const& argument, char const* why) {
  std::fprintf(stderr, "mhc_bench: %s: %s\n", argument.c_str(), why);
  std::exit(2);
}

options parsed(int argc, char** argv) {
  options o{{},
            {argv[0], default_min_time<benchmark::BenchmarkReporter::Run>(), "--benchmark_repetitions=7",
             "--benchmark_enable_random_interleaving=true"}};
  for (int i = 1; i < argc; ++i) {
    std::string const a = argv[i];
    if (starts(a, "--json=")) {
      o.json = a.substr(7);
    } else if (a == "--json") {
      if (++i == argc) refuse(a, "needs the name of a file");
      o.json = argv[i];
    } else if (a == "--small-pages") {
      bench::small_pages() = true;
    } else if (starts(a, "--benchmark_out") || starts(a, "--benchmark_format")) {
      refuse(a, "results are written by --json FILE");
    } else if (!starts(a, "--benchmark_") && a != "--help") {
      refuse(a, "unknown; there are --json FILE, --small-pages, and what --help says");
    } else {
      o.for_the_library.push_back(a);
    }
  }
  return o;
}

/// Whether --benchmark_filter asks for a benchmark: as the library understands it, a leading '-' asks for the others.
class selection {
 public:
  selection() {
    auto filter = benchmark::GetBenchmarkFilter();
    if (filter == "all") filter.clear();
    others_ = !filter.empty() && filter[0] == '-';
    pattern_ = std::regex(others_ ? filter.substr(1) : filter.empty() ? "." : filter, std::regex::extended);
  }
  bool operator()(std::string const& name) const { return std::regex_search(name, pattern_) != others_; }

 private:
  bool others_ = false;
  std::regex pattern_;
};

std::string simd_name(std::string const& name, int threads) {
  return name + "/simd" + (threads == 1 ? std::string() : ':' + std::to_string(threads));
}

class session {
 public:
  session() {
    std::vector<std::string> all;
    for (int const k : bench::thread_counts())
      for (char const* what : {"read", "copy", "memcpy", "fma_float", "fma_double"}) all.push_back(limit_name(what, k));
    run(all);
    for (auto const& name : all) take_limit(name);
  }

  /// What of the case is selected, with the limits it needs in between.
  void measure(bench::description const& what, selection const& selected) {
    auto const name = what.name();
    std::vector<std::string> wanted;
    bench::result r{what, {}, {}};
    if (selected(name + "/naive")) wanted.push_back(name + "/naive");
    for (int const k : bench::thread_counts()) {
      if (!selected(simd_name(name, k))) continue;
      r.runs.push_back({k, {}, {}});
      wanted.push_back(simd_name(name, k));
      for (auto const* limit : limits_of(what)) wanted.push_back(limit_name(limit, k));
    }
    if (wanted.empty()) return;
    run(wanted);
    r.naive = recorder_.take(name + "/naive");
    for (auto& by : r.runs) {
      r.what.items = static_cast<std::ptrdiff_t>(recorder_.units(simd_name(name, by.threads)));
      by.ours = recorder_.take(simd_name(name, by.threads));
      by.machine = {take_limit(limit_name("read", by.threads)), take_limit(limit_name("copy", by.threads)),
                    take_limit(limit_name("fma_" + what.scalar, by.threads))};
    }
    std::puts(bench::table_line(r).c_str());
    std::fflush(stdout);
    results_.push_back(std::move(r));
  }

  void print_limits() const {
    std::puts("\nthreads   read GB/s   copy GB/s memcpy GB/s   FMA float GFLOP/s  double");
    for (int const k : bench::thread_counts())
      std::printf("%7d %11.1f %11.1f %11.1f %19.1f %7.1f\n", k, 1e-9 * rate("read", k), 1e-9 * rate("copy", k),
                  1e-9 * rate("memcpy", k), 1e-9 * rate("fma_float", k), 1e-9 * rate("fma_double", k));
  }

  bool write(std::string const& path) const {
    std::ofstream file(path);
    bench::write(file, bench::machine_facts(), {rates_.begin(), rates_.end()}, results_);
    file.close();
    return !file.fail();
  }

 private:
  static std::string limit_name(std::string const& what, int threads) {
    return "limit/" + what + '/' + std::to_string(threads);
  }
  /// Projections are measured by their operations alone, wherever their tensors are.
  static std::vector<char const*> limits_of(bench::description const& what) {
    std::vector<char const*> needed;
    if (what.operations() > 0) needed.push_back(what.scalar == "float" ? "fma_float" : "fma_double");
    for (bool const reads : {true, false})
      if (what.channels > 0 && std::any_of(what.todo.begin(), what.todo.end(),
                                           [&](auto const& p) { return bench::mostly_reads(p) == reads; }))
        needed.push_back(reads ? "read" : "copy");
    return needed;
  }

  void run(std::vector<std::string> const& names) {
    std::string pattern;
    for (auto const& name : names) pattern += (pattern.empty() ? "^(" : "|") + name;
    benchmark::RunSpecifiedBenchmarks(&recorder_, pattern + ")(/min_time:.*)?$");  // as the library ends some names
  }
  bench::samples take_limit(std::string const& name) {
    auto taken = recorder_.take(name);
    if (!taken.empty()) rates_[name.substr(6)] = std::max(rates_[name.substr(6)], 1 / bench::best(taken));
    return taken;
  }
  double rate(std::string const& what, int threads) const { return rates_.at(what + '/' + std::to_string(threads)); }

  bench::recorder recorder_;
  std::map<std::string, double> rates_;  // of the whole run
  std::vector<bench::result> results_;
};

constexpr char const* explanation =
    "Time per token (for projections: per matrix, and C is their number), fastest repetition. share of: the machine's\n"
    "limit in the same minute on as many threads: read or copy bandwidth, or peak of fused multiply-adds, whichever "
    "binds\n"
    "the bytes and operations of bench/support/work.hpp. x: how many times faster than naive Eigen on one thread.\n"
    "copy goes past the cache, as non-temporal stores do; both of its bytes count.";

}  // namespace

int main(int argc, char** argv) {
  auto given = parsed(argc, argv);
  std::vector<char*> pointers;
  pointers.reserve(given.for_the_library.size());
  for (auto& a : given.for_the_library) pointers.push_back(a.data());
  int count = static_cast<int>(pointers.size());
  benchmark::Initialize(&count, pointers.data());
  if (count > 1) refuse(pointers[1], "unknown; there are --json FILE, --small-pages, and what --help says");
  if (std::any_of(given.for_the_library.begin(), given.for_the_library.end(), [](std::string const& a) {
        return a == "--benchmark_list_tests" || a == "--benchmark_list_tests=true";
      })) {
    benchmark::RunSpecifiedBenchmarks();
    return 0;
  }
  Eigen::setNbThreads(1);  // its products of large matrices would take all

  for (auto const& [key, value] : bench::machine_facts()) std::printf("%s: %s\n", key.c_str(), value.c_str());
  session s;
  std::printf("\n%s\n", bench::table_header(bench::thread_counts()).c_str());
  selection const selected;
  for (auto const& what : bench::registered()) s.measure(what, selected);
  s.print_limits();
  std::printf("\n%s\n", explanation);
  benchmark::Shutdown();
  if (!given.json.empty() && !s.write(given.json)) {
    std::fprintf(stderr, "mhc_bench: cannot write %s\n", given.json.c_str());
    return 1;
  }
  if (bench::failed()) {
    std::fprintf(stderr, "mhc_bench: a result differs from naive Eigen, see above\n");
    return 1;
  }
}
