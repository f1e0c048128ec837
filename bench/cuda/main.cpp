// SPDX-License-Identifier: MIT
// mhc_cuda_bench [result.json]: every operation on the present GPU, in float, with 4 streams; a table, and JSON.

#include "cases.hpp"

#include <cstdio>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

namespace {

using namespace mhc::bench;

void write_json(std::string const& path, device_facts const& device, copy_rates const& copy,
                std::vector<result> const& results) {
  std::ofstream out(path);
  out << "{\"device\": \"" << device.name << "\", \"capability\": \"" << device.capability
      << "\", \"driver\": " << device.driver << ", \"runtime\": " << device.runtime << ", \"flags\": \"" MHC_CUDA_FLAGS
      << "\", \"command\": \"./dev gpu\", \"multiprocessors\": " << device.multiprocessors
      << ", \"l2_bytes\": " << device.cache << ", \"copy_bytes_per_second\": " << copy.best()
      << ", \"by_driver\": " << copy.by_driver << ", \"by_kernel\": " << copy.by_kernel << ",\n \"results\": [";
  char const* separator = "\n";
  for (auto const& r : results) {
    out << separator << "  {\"operation\": \"" << r.operation << "\", \"size\": " << r.size
        << ", \"channels\": " << r.channels << ", \"bytes\": " << r.bytes << ", \"microseconds\": " << r.microseconds
        << ", \"spread_microseconds\": " << r.spread << "}";
    separator = ",\n";
  }
  out << "\n]}\n";
  if (!out) throw std::runtime_error("cannot write " + path);
}

void run(char const* path) {
  auto const device = present_device();
  auto const copy = copy_bandwidth();
  std::printf("%s, %s, %d multiprocessors, %zu MB of L2; copy %.0f GB/s by the driver, %.0f by a kernel\n",
              device.name.c_str(), device.capability.c_str(), device.multiprocessors, device.cache >> 20,
              copy.by_driver * 1e-9, copy.by_kernel * 1e-9);
  std::printf("%-30s %9s %8s %11s %9s %9s %7s\n", "operation", "size", "channels", "us", "+-", "GB/s", "copy");
  std::vector<result> results;
  report const say = [&](result const& r) {
    double const rate = r.bytes / (r.microseconds * 1e-6);
    std::printf("%-30s %9td %8td %11.2f %9.2f %9.0f %6.1f%%\n", r.operation.c_str(), r.size, r.channels, r.microseconds,
                r.spread, rate * 1e-9, 100 * rate / copy.best());
    std::fflush(stdout);
    results.push_back(r);
  };
  for (std::ptrdiff_t const channels : {1280, 2560, 4096, 7168})
    for (std::ptrdiff_t const tokens : {4096, 32768}) {
      if (tokens == 32768 && channels != 1280 && channels != 4096) continue;
      time_streams(tokens, channels, say);
      time_gates(tokens, channels, say);
    }
  for (std::ptrdiff_t const matrices : {512, 8192, 131072, 1048576}) time_projections(matrices, say);
  auto const again = copy_bandwidth();
  std::printf("copy at the end: %.0f GB/s by the driver, %.0f by a kernel\n", again.by_driver * 1e-9,
              again.by_kernel * 1e-9);
  if (path != nullptr) write_json(path, device, copy, results);
}

}  // namespace

int main(int argc, char* argv[]) {
  try {
    run(argc > 1 ? argv[1] : nullptr);
  } catch (std::exception const& e) {
    std::fprintf(stderr, "mhc_cuda_bench: %s\n", e.what());
    return 1;
  }
}
