// SPDX-License-Identifier: MIT
#pragma once

#include "../options.hpp"
#include "../text.hpp"
#include "../training/trainer.hpp"

#include <cstddef>
#include <string>
#include <vector>

namespace demo {

/// What was measured of one kind of connection.
struct measurement {
  std::string name;
  std::ptrdiff_t parameters = 0;
  std::ptrdiff_t connection_parameters = 0;
  double kept_bytes = 0;       ///< Activations between forward and backward of one step.
  double recompute_bytes = 0;  ///< The same with --recompute.
  double training_loss = not_measured;
  double validation_loss = not_measured;
  double largest_gradient_norm = not_measured;
  std::ptrdiff_t spikes = 0;
  double forward_gain = not_measured;
  double backward_gain = not_measured;
  double milliseconds = not_measured;
  double overhead = not_measured;  ///< Time per step over that of the plain residual.
  mixing mixed;                    ///< Empty where training diverged.
  std::string sample;
  history record;
};

/// A whole run: what the table, the data files and the report say.
struct summary {
  options settings;
  std::string text_name;
  std::size_t text_bytes = 0;
  std::ptrdiff_t steps = 0;  ///< Done; fewer than asked for where the run was interrupted.
  double seconds = 0;        ///< Of this process, training and measuring.
  int threads = 1;
  std::string computed_by;  ///< "4 threads", or the name of the device.
  std::string prompt;
  std::vector<measurement> kinds;
};

/// Training loss is the mean over the last steps, this many.
std::ptrdiff_t training_loss_window(std::ptrdiff_t steps);

summary summarise(options const& o, corpus const& text, std::vector<trainer<float>>& trainers);

/// One line of the table: a value for every kind.
struct table_row {
  std::string label;
  std::string meaning;
  std::vector<std::string> values;
};

std::vector<table_row> table_of(summary const& run);

/// The table, the divergences and the samples, for a terminal.
void print(summary const& run);

/// Valid UTF-8 without control characters except newlines and tabs.
std::string readable(std::string const& bytes);

}  // namespace demo
