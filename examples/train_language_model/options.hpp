// SPDX-License-Identifier: MIT
#pragma once

#include "training/checkpoint.hpp"
#include "training/schedule.hpp"
#include "transformer/shape.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace demo {

/// What the command line says. The defaults are the demonstration: deep, narrow, and fast enough to wait for.
struct options {
  std::vector<std::string> connections{"residual", "hc", "mhc", "mhc-exact"};
  std::ptrdiff_t streams = 4;
  double diagonal = 3;
  std::ptrdiff_t layers = 16;
  std::ptrdiff_t channels = 48;
  std::ptrdiff_t heads = 4;
  std::ptrdiff_t context = 64;
  std::ptrdiff_t batch = 8;
  std::ptrdiff_t steps = 300;
  std::ptrdiff_t warmup = 20;
  double learning_rate = 0.01;
  std::uint64_t seed = 1;
  std::ptrdiff_t validation = 8;
  std::ptrdiff_t sample = 200;
  std::string text;
  std::string device = "cpu";
  int threads = 0;
  bool recompute = false;
  std::string save;
  std::ptrdiff_t save_every = 50;
  std::string resume;
  std::string out = "train_language_model_report";
};

/// The options, or the exit status where there is nothing to run: --help, or a mistake, which is then explained on
/// stderr in one sentence.
std::variant<options, int> parse_options(int argc, char** argv);

inline transformer_shape shape_of(options const& o) {
  return {.channels = o.channels, .heads = o.heads, .hidden = 4 * o.channels, .blocks = o.layers, .context = o.context};
}

inline schedule schedule_of(options const& o) { return {o.learning_rate, std::min(o.warmup, o.steps), o.steps}; }

/// Everything the numbers depend on: threads, recomputation and output change none of them.
fingerprint fingerprint_of(options const& o, std::string_view text);

}  // namespace demo
