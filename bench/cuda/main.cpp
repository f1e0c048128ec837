// SPDX-License-Identifier: MIT
// mhc_cuda_bench [result.json [commit]]: every operation with 4 streams on the present GPU, and beside it on the cores
// of the host; a table, and JSON.

#include "cases.hpp"
#include "support/processor.hpp"
#include "support/threads.hpp"

#include <cstdio>
#include <exception>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

using namespace mhc::bench;

/// One line of the table.
struct comparison {
  char const* element;
  std::ptrdiff_t size, channels;  ///< tokens, or matrices with channels 0
  result device, host;
};

class table {
 public:
  table() : device_(present_device()), copy_(copy_bandwidth()), cores_(::bench::thread_counts().back()) {
    std::printf("%s, %s, %d multiprocessors, %zu MB of L2; copy %.0f GB/s by the driver, %.0f by a kernel\n",
                device_.name.c_str(), device_.capability.c_str(), device_.multiprocessors, device_.cache >> 20,
                copy_.by_driver * 1e-9, copy_.by_kernel * 1e-9);
    std::printf("%s, mhc::simd on %d threads\n", ::bench::processor().c_str(), cores_);
    std::printf("%-34s %-8s %8s %8s %10s %8s %8s %7s %11s %9s\n", "operation", "element", "size", "channels", "us",
                "+-", "GB/s", "copy", "host us", "host/GPU");
  }

  template <class S>
  void tokens(char const* element, std::ptrdiff_t tokens, std::ptrdiff_t channels) {
    compare(
        element, tokens, channels, [&](report const& say) { time_tokens<S>(tokens, channels, say); },
        [&](report const& say) { time_tokens_on_host<S>(tokens, channels, say); });
  }
  void projections(std::ptrdiff_t matrices) {
    compare(
        "float", matrices, 0, [&](report const& say) { time_projections(matrices, say); },
        [&](report const& say) { time_projections_on_host(matrices, say); });
  }

  /// On the device alone.
  template <class S>
  void ways(char const* element, std::ptrdiff_t tokens, std::ptrdiff_t channels) {
    time_ways<S>(tokens, channels, [&](result const& r) { print({element, tokens, channels, r, {}}); });
  }

  void finish(char const* path, char const* commit) const {
    auto const again = copy_bandwidth();
    std::printf("copy at the end: %.0f GB/s by the driver, %.0f by a kernel\n", again.by_driver * 1e-9,
                again.by_kernel * 1e-9);
    if (path != nullptr) write_json(path, commit);
  }

 private:
  /// Both sides make the same results in the same order.
  template <class OnDevice, class OnHost>
  void compare(char const* element, std::ptrdiff_t size, std::ptrdiff_t channels, OnDevice const& on_device,
               OnHost const& on_host) {
    std::vector<result> device;
    on_device([&](result const& r) { device.push_back(r); });
    std::size_t next = 0;
    on_host([&](result const& r) {
      if (next == device.size() || device[next].operation != r.operation)
        throw std::logic_error("the device has no result for " + r.operation);
      print({element, size, channels, device[next++], r});
    });
  }

  void print(comparison const& c) {
    double const rate = c.device.bytes / (c.device.microseconds * 1e-6);
    std::printf("%-34s %-8s %8td %8td %10.2f %8.2f %8.0f %6.1f%%", c.device.operation.c_str(), c.element, c.size,
                c.channels, c.device.microseconds, c.device.spread, rate * 1e-9, 100 * rate / copy_.best());
    if (c.host.microseconds > 0)
      std::printf(" %11.1f %9.1f", c.host.microseconds, c.host.microseconds / c.device.microseconds);
    std::putchar('\n');
    std::fflush(stdout);
    lines_.push_back(c);
  }

  void write_json(char const* path, char const* commit) const {
    std::ofstream out(path);
    out << "{\"device\": \"" << device_.name << "\", \"capability\": \"" << device_.capability
        << "\", \"driver\": " << device_.driver << ", \"runtime\": " << device_.runtime
        << ", \"flags\": \"" MHC_CUDA_FLAGS << "\", \"command\": \"./dev gpu\", \"commit\": \"" << commit
        << "\", \"multiprocessors\": " << device_.multiprocessors << ", \"l2_bytes\": " << device_.cache
        << ", \"copy_bytes_per_second\": " << copy_.best() << ", \"by_driver\": " << copy_.by_driver
        << ", \"by_kernel\": " << copy_.by_kernel << ", \"host\": \"" << ::bench::processor()
        << "\", \"host_threads\": " << cores_ << ",\n \"results\": [";
    char const* separator = "\n";
    for (auto const& c : lines_) {
      out << separator << "  {\"operation\": \"" << c.device.operation << "\", \"element\": \"" << c.element
          << "\", \"size\": " << c.size << ", \"channels\": " << c.channels << ", \"bytes\": " << c.device.bytes
          << ", \"microseconds\": " << c.device.microseconds << ", \"spread_microseconds\": " << c.device.spread
          << ", \"host_microseconds\": " << c.host.microseconds << "}";
      separator = ",\n";
    }
    out << "\n]}\n";
    if (!out) throw std::runtime_error(std::string("cannot write ") + path);
  }

  device_facts device_;
  copy_rates copy_;
  int cores_;
  std::vector<comparison> lines_;
};

/// From the tokens of one step of decoding to those of a batch in training.
template <class S>
void run_tokens(table& to, char const* element) {
  for (std::ptrdiff_t const channels : {1280, 2560, 4096, 7168})
    for (std::ptrdiff_t const tokens : {1, 64, 4096}) to.tokens<S>(element, tokens, channels);
  for (std::ptrdiff_t const tokens : {16, 512, 32768}) to.tokens<S>(element, tokens, 4096);
  to.tokens<S>(element, 8192, 7168);
  for (std::ptrdiff_t const tokens : {16, 64, 256, 512, 1024, 2048, 4096, 16384}) to.ways<S>(element, tokens, 4096);
  to.ways<S>(element, 8192, 7168);
}

void run(char const* path, char const* commit) {
  table to;
  run_tokens<float>(to, "float");
  run_tokens<mhc::bfloat16>(to, "bfloat16");
  to.tokens<mhc::half>("half", 4096, 4096);
  for (std::ptrdiff_t const matrices : {512, 8192, 131072, 1048576}) to.projections(matrices);
  to.finish(path, commit);
}

}  // namespace

int main(int argc, char* argv[]) {
  try {
    run(argc > 1 ? argv[1] : nullptr, argc > 2 ? argv[2] : "unknown");
  } catch (std::exception const& e) {
    std::fprintf(stderr, "mhc_cuda_bench: %s\n", e.what());
    return 1;
  }
}
