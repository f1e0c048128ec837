// SPDX-License-Identifier: MIT
#include "summary.hpp"

#include "../training/race.hpp"
#include "../training/sample.hpp"

#include <algorithm>

namespace demo {

namespace {

void measure_mixing(trainer<float>& t, windows const& batch, measurement& m) {
  m.mixed = t.measure_mixing(batch);
  m.forward_gain = m.mixed.gain_by_depth.back().forward;
  m.backward_gain = m.mixed.gain_by_depth.back().backward;
}

double activation_bytes(options const& o, trainer<float> const& t, bool recompute) {
  return double(sizeof(float)) * double(t.model.activation_count(o.batch, o.context, recompute));
}

measurement measure(options const& o, trainer<float>& t, windows const& batch, std::string const& prompt) {
  auto const& record = t.record;
  measurement m{.name = t.name,
                .parameters = t.model.parameter_count(),
                .connection_parameters = t.model.parameter_count() - t.model.transformer_parameter_count(),
                .kept_bytes = activation_bytes(o, t, false),
                .recompute_bytes = activation_bytes(o, t, true),
                .training_loss = mean_of_last(record.loss, training_loss_window(signed_size(record.loss))),
                .largest_gradient_norm = largest(record.gradient_norm),
                .spikes = count_spikes(record.gradient_norm),
                .milliseconds = median(record.milliseconds),
                .mixed = {},
                .sample = {},
                .record = record};
  if (!record.validation_loss.empty()) m.validation_loss = record.validation_loss.back();
  if (record.diverged()) return m;
  measure_mixing(t, batch, m);
  m.sample = generate(t, prompt, o.sample, o.seed);
  return m;
}

/// Of each kind over the plain residual, where that is part of the run.
void compare_times(std::vector<measurement>& kinds) {
  auto const plain = std::find_if(kinds.begin(), kinds.end(), [](auto const& m) { return m.name == "residual"; });
  if (plain == kinds.end()) return;
  for (auto& m : kinds) m.overhead = m.milliseconds / plain->milliseconds - 1;
}

}  // namespace

std::ptrdiff_t training_loss_window(std::ptrdiff_t steps) { return std::clamp<std::ptrdiff_t>(steps / 10, 1, 50); }

summary summarise(options const& o, corpus const& text, std::vector<trainer<float>>& trainers) {
  auto const validation = validation_batches(text.validation(), 1, o.batch, o.context);
  summary run{.settings = o,
              .text_name = text.name,
              .text_bytes = text.bytes.size(),
              .steps = steps_done(trainers),
              .threads = thread_count(o.threads),
              .computed_by = computed_by(o),
              .prompt = std::string(text.validation().substr(0, unsigned_size((o.context + 1) / 2))),
              .kinds = {}};
  for (auto& t : trainers) run.kinds.push_back(measure(o, t, validation.front(), run.prompt));
  compare_times(run.kinds);
  return run;
}

}  // namespace demo
