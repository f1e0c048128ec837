// SPDX-License-Identifier: MIT
// Catch's main, unless there is no device to test.

#include "connections.hpp"

#include <cstdio>

#if __has_include(<catch2/catch_session.hpp>)
#  include <catch2/catch_session.hpp>
#else
#  define CATCH_CONFIG_RUNNER
#  include <catch2/catch.hpp>
#endif

int main(int argc, char* argv[]) {
  if (!demo::on_device::device_is_there()) {
    std::puts("skipped: there is no CUDA device");
    return 4;
  }
  return Catch::Session().run(argc, argv);
}
