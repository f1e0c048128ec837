// SPDX-License-Identifier: MIT
#pragma once

#include "../options.hpp"
#include "../text.hpp"
#include "trainer.hpp"

#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace demo {

/// "4 threads", or the name of the device.
///
/// @throws std::runtime_error  --device cuda cannot be had
std::string computed_by(options const& o);

/// One trainer for every --connection: the same transformer from the same weights, in other connections.
std::vector<trainer<float>> make_trainers(options const& o);

/// The step that the run has reached: that of the trainers still in training.
std::ptrdiff_t steps_done(std::vector<trainer<float>> const& trainers);

bool all_diverged(std::vector<trainer<float>> const& trainers);

/// Trains all of them step by step in turn, from where they stand, so that a disturbance of the machine falls on
/// all alike and a run stopped early still compares like with like. Validates and saves on the way. Returns early
/// when interrupted or when nothing is left to train. `after_step` is told of every step.
void train(options const& o, corpus const& text, std::vector<trainer<float>>& trainers,
           std::function<void(std::ptrdiff_t step)> const& after_step);

}  // namespace demo
