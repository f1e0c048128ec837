// SPDX-License-Identifier: MIT
#include "race.hpp"

#include "../connections/connections.hpp"
#include "../interrupt.hpp"
#include "../transformer/connection_settings.hpp"

#include <algorithm>

namespace demo {

namespace {

/// The loss on the validation text is measured this many times on the way.
constexpr std::ptrdiff_t validations = 10;

void validate_all(std::vector<trainer<float>>& trainers, std::vector<windows> const& batches) {
  for (auto& t : trainers) {
    auto const& last = t.record.validation_step;
    bool const known = !last.empty() && last.back() == static_cast<double>(t.record.loss.size());
    if (!t.record.diverged() && !known) t.validate(batches);
  }
}

void save(options const& o, corpus const& text, std::vector<trainer<float>>& trainers) {
  for (auto& t : trainers) t.fetch();
  save_checkpoint(o.save, fingerprint_of(o, text.bytes), trainers);
}

void move_to_device(options const& o, connection_kind const& kind, connection_settings const& settings,
                    trainer<float>& t) {
  t.train_on(make_device_learner({.shape = shape_of(o),
                                  .recompute = o.recompute,
                                  .layout = t.model.layout(),
                                  .decay = t.optimiser.decay(),
                                  .connections = kind.connect_on_device(o.streams, settings)}));
}

}  // namespace

std::string computed_by(options const& o) {
  if (o.device == "cuda") return device_name();
  int const threads = thread_count(o.threads);
  return std::to_string(threads) + (threads == 1 ? " thread" : " threads");
}

std::vector<trainer<float>> make_trainers(options const& o) {
  int const threads = thread_count(o.threads);
  std::vector<trainer<float>> trainers;
  for (std::string const& name : o.connections) {
    auto const shape = shape_of(o);
    auto const& kind = connection_named(name);
    connection_settings const settings{.channels = o.channels,
                                       .layers = shape.sublayers(),
                                       .threads = threads,
                                       .recompute = o.recompute,
                                       .diagonal = o.diagonal};
    language_model<float> model(shape, {threads, o.recompute}, kind.connect(o.streams, settings));
    auto& t = trainers.emplace_back(name, std::move(model), o.seed, threads);
    if (o.device == "cuda") move_to_device(o, kind, settings, t);
  }
  return trainers;
}

std::ptrdiff_t steps_done(std::vector<trainer<float>> const& trainers) {
  std::ptrdiff_t done = 0;
  for (auto const& t : trainers) done = std::max(done, signed_size(t.record.loss));
  return done;
}

bool all_diverged(std::vector<trainer<float>> const& trainers) {
  return std::all_of(trainers.begin(), trainers.end(), [](auto const& t) { return t.record.diverged(); });
}

void train(options const& o, corpus const& text, std::vector<trainer<float>>& trainers,
           std::function<void(std::ptrdiff_t)> const& after_step) {
  auto const rate = schedule_of(o);
  auto const validation = validation_batches(text.validation(), o.validation, o.batch, o.context);
  auto const validate_every = std::max<std::ptrdiff_t>(1, o.steps / validations);
  for (auto step = steps_done(trainers); step < o.steps && !interrupted() && !all_diverged(trainers); ++step) {
    windows const batch = training_batch(text.training(), o.batch, o.context, o.seed, step);
    // Another one goes first every time: the first finds the caches as validation or saving left them.
    for (std::size_t i = 0; i < trainers.size(); ++i) {
      auto& t = trainers[(i + unsigned_size(step)) % trainers.size()];
      if (!t.record.diverged()) t.step(batch, rate);
    }
    if ((step + 1) % validate_every == 0 || step + 1 == o.steps) validate_all(trainers, validation);
    if (!o.save.empty() && (step + 1) % o.save_every == 0) save(o, text, trainers);
    after_step(step + 1);
  }
  if (!o.save.empty()) save(o, text, trainers);
  validate_all(trainers, validation);
}

}  // namespace demo
