// SPDX-License-Identifier: MIT
#pragma once

#include "../device/learner.hpp"
#include "../transformer/language_model.hpp"
#include "adamw.hpp"
#include "history.hpp"
#include "schedule.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numbers>
#include <span>
#include <string>
#include <utility>

namespace demo {

inline double bits(double nats) { return nats / std::numbers::ln2; }

/// One model in training: all that a step changes, and so all that a checkpoint holds. Where a device trains it,
/// `parameters` and `optimiser` are up to date after `fetch` only.
template <class T>
class trainer {
 public:
  static constexpr double clip_norm = 1;
  static constexpr double weight_decay = 0.1;

  trainer(std::string its_name, language_model<T> its_model, std::uint64_t seed, int threads)
      : name(std::move(its_name)),
        model(std::move(its_model)),
        parameters(unsigned_size(model.parameter_count())),
        optimiser(model.parameter_count(), model.matrices(), weight_decay),
        threads_{threads} {
    model.initialise(parameters, seed);
  }

  /// One update on a batch. A loss or gradient that is not finite ends this model's training instead.
  void step(windows const& batch, schedule const& rate) {
    auto const start = std::chrono::steady_clock::now();
    auto const index = signed_size(record.loss);
    auto const [loss, norm] = device_ ? device_->loss_and_gradient(batch) : loss_and_gradient(batch);
    if (!std::isfinite(loss) || !std::isfinite(norm)) {
      record.diverged_at = static_cast<double>(index);
      return;
    }
    adamw_step<T> const change(index + 1, rate.at(index), std::min(1.0, clip_norm / norm));
    device_ ? device_->update(change) : optimiser.update(threads_, change, gradient_, parameters);
    record.loss.push_back(bits(loss));
    record.gradient_norm.push_back(norm);
    std::chrono::duration<double, std::milli> const taken = std::chrono::steady_clock::now() - start;
    record.milliseconds.push_back(taken.count());
  }

  void validate(std::vector<windows> const& batches) {
    double sum = 0, tokens = 0;
    for (windows const& batch : batches) {
      double const loss = device_ ? device_->loss(batch) : model.loss(parameters.data(), batch);
      sum += loss * static_cast<double>(batch.tokens());
      tokens += static_cast<double>(batch.tokens());
    }
    record.validation_step.push_back(static_cast<double>(record.loss.size()));
    record.validation_loss.push_back(bits(sum / tokens));
  }

  /// Of the byte that follows.
  row_vector<T> next_logits(std::span<std::uint8_t const> bytes) {
    if (!device_) return model.next_logits(parameters.data(), bytes);
    auto const logits = device_->next_logits(bytes);
    return const_row_map<T>(logits.data(), signed_size(logits));
  }

  mixing measure_mixing(windows const& batch) {
    return device_ ? device_->measure_mixing(batch) : model.measure_mixing(parameters.data(), batch);
  }

  /// From here on a device does the work.
  void train_on(std::unique_ptr<device_learner<T>> device) {
    device_ = std::move(device);
    put();
  }
  /// What the device has made of the state, and the other way round.
  void fetch() {
    if (device_) device_->get({parameters, optimiser.first, optimiser.second});
  }
  void put() {
    if (device_) device_->put({parameters, optimiser.first, optimiser.second});
  }

  std::string name;
  language_model<T> model;
  buffer<T> parameters;
  adamw<T> optimiser;
  history record;

 private:
  loss_and_norm loss_and_gradient(windows const& batch) {
    gradient_.assign(parameters.size(), T(0));
    double const loss = model.loss_and_gradient(parameters.data(), batch, gradient_.data());
    return {loss, euclidean_norm(threads_, gradient_)};
  }

  int threads_;
  buffer<T> gradient_;
  std::unique_ptr<device_learner<T>> device_;
};

}  // namespace demo
