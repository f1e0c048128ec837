// SPDX-License-Identifier: MIT
// The demo's training on the device against the same on the host.

#include "../../../examples/train_language_model/training/trainer.hpp"
#include "../../../examples/train_language_model/transformer/connected_stack_of.hpp"
#include "../small_model.hpp"
#include "connections.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>
#include <vector>

namespace {

using namespace demo;

/// Odd sizes: rows that fill no warp, and more columns of a norm than a block takes.
transformer_shape odd_shape() {
  return {.vocabulary = 50, .channels = 36, .heads = 3, .hidden = 70, .blocks = 2, .context = 37};
}

enum class streams { one, four };

connection_settings settings_of(transformer_shape const& shape, bool recompute) {
  return {.channels = shape.channels,
          .layers = shape.sublayers(),
          .threads = 1,
          .recompute = recompute,
          .diagonal = 1.5,
          .noise = 4};
}

trainer<float> host_trainer(transformer_shape const& shape, streams n, bool recompute = false) {
  auto const settings = settings_of(shape, recompute);
  auto connections =
      n == streams::one
          ? on_host::connect<float>(mhc::residual<float>{shape.channels}, settings)
          : on_host::connect<float>(mhc::connection<float, 4, mhc::sinkhorn<>>{.channels = shape.channels}, settings);
  return {"", language_model<float>(shape, {1, recompute}, std::move(connections)), 7, 1};
}

trainer<float> device_trainer(transformer_shape const& shape, streams n, bool recompute = false) {
  auto t = host_trainer(shape, n, recompute);
  auto const settings = settings_of(shape, recompute);
  t.train_on(make_device_learner(
      {.shape = shape,
       .recompute = recompute,
       .layout = t.model.layout(),
       .decay = t.optimiser.decay(),
       .connections = n == streams::one ? on_device::plain(settings) : on_device::four_streams(settings)}));
  return t;
}

void train_steps(trainer<float>& t, std::ptrdiff_t first, std::ptrdiff_t last) {
  schedule const rate{0.01, 2, 8};
  for (auto step = first; step < last; ++step)
    t.step(some_windows(t.model.shape(), 3, static_cast<std::uint64_t>(step)), rate);
  t.fetch();
}

/// The largest difference in [begin, end), relative to the largest element there.
double difference(buffer<float> const& a, buffer<float> const& b, std::ptrdiff_t begin, std::ptrdiff_t end) {
  double worst = 0, largest = 0;
  for (auto i = unsigned_size(begin); i < unsigned_size(end); ++i) {
    double const d = std::abs(double(a[i]) - double(b[i]));
    if (!(d <= worst)) worst = d;  // a NaN stays
    largest = std::max(largest, std::abs(double(b[i])));
  }
  REQUIRE(largest > 0);
  return worst / largest;
}

bool same_bits(buffer<float> const& a, buffer<float> const& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

constexpr double rounding = 2e-5;  // sums of 100 tokens and 4 layers, in float, one after the other

}  // namespace

TEST_CASE("the device has the host's gradient of every parameter", "[demo]") {
  for (auto const n : {streams::one, streams::four}) {
    auto const shape = odd_shape();
    auto host = host_trainer(shape, n), device = device_trainer(shape, n);
    train_steps(host, 0, 1);
    train_steps(device, 0, 1);
    CHECK(std::abs(device.record.loss[0] / host.record.loss[0] - 1) <= rounding);
    CHECK(std::abs(device.record.gradient_norm[0] / host.record.gradient_norm[0] - 1) <= rounding);
    // after one step the running mean is a multiple of the gradient
    auto const at = host.model.layout();
    auto const agrees = [&](char const* part, std::ptrdiff_t begin, std::ptrdiff_t end) {
      CAPTURE(part, begin);
      CHECK(difference(device.optimiser.first, host.optimiser.first, begin, end) <= rounding);
      CHECK(difference(device.optimiser.second, host.optimiser.second, begin, end) <= 2 * rounding);
    };
    agrees("embedding", 0, at.positions);
    agrees("positions", at.positions, at.sublayers[0]);
    for (std::size_t l = 0; l < at.sublayers.size(); ++l) {
      auto const gain = at.sublayers[l], end = l + 1 < at.sublayers.size() ? at.sublayers[l + 1] : at.head;
      agrees("gain", gain, gain + shape.channels);
      agrees("weights", gain + shape.channels, end);
    }
    agrees("head's gain", at.head, at.head + shape.channels);
    agrees("head", at.head + shape.channels, at.connections);
    if (n == streams::four) agrees("connections", at.connections, at.end);
  }
}

TEST_CASE("losses on the device stay with the host's", "[demo]") {
  for (auto const n : {streams::one, streams::four}) {
    auto host = host_trainer(odd_shape(), n), device = device_trainer(odd_shape(), n);
    train_steps(host, 0, 5);
    train_steps(device, 0, 5);
    for (std::size_t k = 0; k < 5; ++k) {
      CAPTURE(k);
      CHECK(std::abs(device.record.loss[k] / host.record.loss[k] - 1) <= 1e-3);  // AdamW divides small by small
      CHECK(device.record.loss[k] != device.record.loss[(k + 1) % 5]);
    }
    // the same model, trained by the host, on either
    device.parameters = host.parameters;
    device.put();
    std::vector<windows> const batches{some_windows(odd_shape(), 2, 91), some_windows(odd_shape(), 3, 92)};
    host.validate(batches);
    device.validate(batches);
    CHECK(std::abs(device.record.validation_loss[0] / host.record.validation_loss[0] - 1) <= rounding);
    std::vector<std::uint8_t> const bytes{3, 1, 4, 1, 5, 9, 2, 6};
    row_vector<float> const expected = host.next_logits(bytes), actual = device.next_logits(bytes);
    CHECK((actual - expected).cwiseAbs().maxCoeff() <= rounding * expected.cwiseAbs().maxCoeff());
    auto const there = device.measure_mixing(batches[0]), here = host.measure_mixing(batches[0]);
    REQUIRE(there.h_res.size() == here.h_res.size());
    for (std::size_t k = 0; k < here.h_res.size(); ++k) CHECK(std::abs(there.h_res[k] - here.h_res[k]) <= rounding);
    for (std::size_t k = 0; k < here.product.size(); ++k)
      CHECK(std::abs(there.product[k] - here.product[k]) <= rounding);
  }
}

TEST_CASE("on the device: the same bits again, with recomputation, and resumed", "[demo]") {
  auto const shape = small_shape();
  auto once = device_trainer(shape, streams::four), again = device_trainer(shape, streams::four),
       recomputed = device_trainer(shape, streams::four, true), resumed = device_trainer(shape, streams::four);
  train_steps(once, 0, 4);
  train_steps(again, 0, 4);
  train_steps(recomputed, 0, 4);
  CHECK(same_bits(once.parameters, again.parameters));
  CHECK(same_bits(once.parameters, recomputed.parameters));

  auto stopped = device_trainer(shape, streams::four);
  train_steps(stopped, 0, 2);
  resumed.parameters = stopped.parameters;
  resumed.optimiser.first = stopped.optimiser.first;
  resumed.optimiser.second = stopped.optimiser.second;
  resumed.record = stopped.record;
  resumed.put();
  train_steps(resumed, 2, 4);
  CHECK(same_bits(once.parameters, resumed.parameters));
}
