// SPDX-License-Identifier: MIT
#include "../../examples/train_language_model/training/checkpoint.hpp"
#include "../../examples/train_language_model/training/trainer.hpp"
#include "../../examples/train_language_model/transformer/connected_stack_of.hpp"
#include "../../examples/train_language_model/transformer/language_model.hpp"
#include "small_model.hpp"
#include "support/catch.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <limits>
#include <string>
#include <vector>

namespace {

using namespace demo;

template <class T>
using hc = mhc::hyper_connection<T, 4>;
template <class T>
using sinkhorn_mhc = mhc::connection<T, 4, mhc::sinkhorn<>>;
template <class T>
using entropic_mhc = mhc::connection<T, 4, mhc::entropic>;

template <class Kind>
language_model<typename Kind::element> make_model(transformer_shape const& shape, execution how) {
  using T = typename Kind::element;
  Kind kind{};
  kind.channels = shape.channels;
  // Mixing well away from the identity: gradients of every entry of H_res count.
  return {shape, how,
          on_host::connect<T>(kind, {shape.channels, shape.sublayers(), how.threads, how.recompute, 1.5, 4})};
}

/// Started as for training, then moved so that nothing is small, zero or equal by construction.
template <class T>
buffer<T> some_parameters(language_model<T> const& model) {
  buffer<T> parameters(unsigned_size(model.parameter_count()));
  model.initialise(parameters, 3);
  random_stream random(5, purpose::weights, 1000);
  for (T& p : parameters) p += static_cast<T>(0.2 * random.normal());
  return parameters;
}

/// Steps of the differences: short against the embedding, the smallest numbers that a norm divides by; longer for φ,
/// whose gradients are a hundredth of the others (α = 0.01) while the loss is rounded just as coarsely.
constexpr double short_step = 1e-3, long_step = 4e-3;

/// d f/d x by central differences, extrapolated twice (Richardson): error O(h⁶) + O(ε/h), about 1e-12 for values near 1.
/// Not complex step: the code under test is the code that trains, and mhc::simd has no complex lanes.
double derivative(double& x, std::function<double()> const& f, double h) {
  double const at = x;
  auto const difference = [&](double step) {
    x = at + step;
    double const above = f();
    x = at - step;
    double const below = f();
    x = at;
    return (above - below) / (2 * step);
  };
  double const d1 = difference(h), d2 = difference(h / 2), d4 = difference(h / 4);
  double const r1 = (4 * d2 - d1) / 3, r2 = (4 * d4 - d2) / 3;
  return (16 * r2 - r1) / 15;
}

/// Largest error over a range of parameters, relative to the largest gradient in it.
double worst_error(buffer<double>& x, buffer<double> const& gradient, std::ptrdiff_t begin, std::ptrdiff_t end,
                   std::function<double()> const& f, double h = short_step) {
  double worst = 0, largest = 0;
  for (auto i = unsigned_size(begin); i < unsigned_size(end); ++i) {
    worst = std::max(worst, std::abs(derivative(x[i], f, h) - gradient[i]));
    largest = std::max(largest, std::abs(gradient[i]));
  }
  REQUIRE(largest > 0);
  return worst / largest;
}

template <class T>
bool same_bits(buffer<T> const& a, buffer<T> const& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0;
}

constexpr double tolerance = 1e-9;  // three orders above the differences' own error

/// One sublayer, loss Σ w∘y: gradients of u and of every parameter.
template <class F>
void check_sublayer(F const& f, std::ptrdiff_t length, std::ptrdiff_t channels) {
  random_stream random(1, 2, 3);
  auto const normal = [&](std::ptrdiff_t count, double scale) {
    buffer<double> values(unsigned_size(count));
    for (double& v : values) v = scale * random.normal();
    return values;
  };
  auto p = normal(f.parameter_count(), 0.5), u = normal(length * channels, 1), w = normal(length * channels, 1);
  buffer<double> activations(unsigned_size(f.activation_count(length))), y(u.size()), u_gradient(u.size()),
      p_gradient(p.size());
  auto const loss = [&] {
    f.internals(p.data(), {u.data(), length, channels}, activations.data());
    f.output(p.data(), activations.data(), matrix_map<double>(y.data(), length, channels));
    double sum = 0;
    for (std::size_t i = 0; i < y.size(); ++i) sum += w[i] * y[i];
    return sum;
  };
  loss();
  f.vjp(p.data(), {u.data(), length, channels}, activations.data(), {w.data(), length, channels},
        matrix_map<double>(u_gradient.data(), length, channels), p_gradient.data());
  CHECK(worst_error(u, u_gradient, 0, signed_size(u), loss) < tolerance);
  CHECK(worst_error(p, p_gradient, 0, channels, loss) < tolerance);
  CHECK(worst_error(p, p_gradient, channels, signed_size(p), loss) < tolerance);
}

template <class T>
trainer<T> make_trainer(execution how) {
  transformer_shape const shape = small_shape();
  return trainer<T>("mhc", make_model<sinkhorn_mhc<T>>(shape, how), 7, how.threads);
}

template <class T>
void train_steps(trainer<T>& t, std::ptrdiff_t first, std::ptrdiff_t last) {
  schedule const rate{0.01, 2, 8};
  for (auto step = first; step < last; ++step)
    t.step(some_windows(small_shape(), 3, static_cast<std::uint64_t>(step)), rate);
}

}  // namespace

TEST_CASE("attention has the gradient of its output") { check_sublayer(attention<double>{6, 2}, 5, 6); }

TEST_CASE("the MLP has the gradient of its output") { check_sublayer(mlp<double>{6, 10}, 5, 6); }

TEST_CASE("attention sees no later byte") {
  attention<double> const f{6, 2};
  buffer<double> p(unsigned_size(f.parameter_count())), u(5 * 6), activations(unsigned_size(f.activation_count(5)));
  random_stream random(1, 2, 3);
  for (double& v : p) v = random.normal();
  for (double& v : u) v = random.normal();
  auto const output = [&] {
    buffer<double> y(u.size());
    f.internals(p.data(), {u.data(), 5, 6}, activations.data());
    f.output(p.data(), activations.data(), matrix_map<double>(y.data(), 5, 6));
    return y;
  };
  auto const before = output();
  for (std::size_t c = 0; c < 6; ++c) u[4 * 6 + c] += 1;
  auto const after = output();
  CHECK(std::memcmp(before.data(), after.data(), 4 * 6 * sizeof(double)) == 0);
  CHECK_FALSE(same_bits(before, after));
}

/// The gradient of the embedding and of the positions is that of the stack's input.
TEMPLATE_TEST_CASE("the whole model has the gradient of its loss", "", mhc::residual<double>, hc<double>,
                   sinkhorn_mhc<double>, entropic_mhc<double>) {
  auto model = make_model<TestType>(small_shape(), {1, true});
  auto const batch = some_windows(small_shape(), 2, 1);
  auto parameters = some_parameters(model);
  buffer<double> gradient(parameters.size());
  model.loss_and_gradient(parameters.data(), batch, gradient.data());

  auto const loss = [&] { return model.loss(parameters.data(), batch); };
  auto const connections = model.transformer_parameter_count();
  CHECK(worst_error(parameters, gradient, 0, connections, loss) < tolerance);
  auto const layer = model.connections().layer_parameter_count(), phi = model.connections().phi_size();
  for (std::ptrdiff_t l = 0; l < model.connections().layers() && layer > 0; ++l) {
    auto const at = connections + l * layer;
    CHECK(worst_error(parameters, gradient, at, at + phi, loss, long_step) < tolerance);
    CHECK(worst_error(parameters, gradient, at + phi, at + layer, loss) < tolerance);
  }
}

TEMPLATE_TEST_CASE("recomputation and threads change no bit", "", mhc::residual<float>, hc<float>, sinkhorn_mhc<float>,
                   entropic_mhc<float>) {
  // Products large enough for Eigen to share among threads, were it let to.
  transformer_shape const shape{
      .vocabulary = 50, .channels = 36, .heads = 3, .hidden = 100, .blocks = 2, .context = 75};
  auto const batch = some_windows(shape, 5, 1);
  auto const result = [&](execution how) {
    auto model = make_model<TestType>(shape, how);
    auto const parameters = some_parameters(model);
    buffer<float> gradient(parameters.size() + 2);
    double const loss = model.loss_and_gradient(parameters.data(), batch, gradient.data());
    std::memcpy(&gradient[parameters.size()], &loss, sizeof loss);
    return gradient;
  };
  auto const reference = result({1, false});
  CHECK(std::isfinite(reference.front()));
  CHECK(same_bits(reference, result({1, true})));
  CHECK(same_bits(reference, result({2, false})));
  CHECK(same_bits(reference, result({3, true})));
}

TEST_CASE("the transformer's weights are the same in every connection") {
  auto const shape = small_shape();
  auto const weights = [&](auto model) {
    buffer<float> parameters(unsigned_size(model.parameter_count()));
    model.initialise(parameters, 11);
    parameters.resize(unsigned_size(model.transformer_parameter_count()));
    return parameters;
  };
  auto const plain = weights(make_model<mhc::residual<float>>(shape, {}));
  CHECK(same_bits(plain, weights(make_model<hc<float>>(shape, {}))));
  CHECK(same_bits(plain, weights(make_model<sinkhorn_mhc<float>>(shape, {}))));
}

TEST_CASE("a resumed run has the bits of an uninterrupted one") {
  auto const file = std::filesystem::temp_directory_path() / "mhc_transformer_test.checkpoint";
  fingerprint const settings{{"--seed", "7"}, {"--layers", "2"}};
  std::vector<trainer<float>> through, stopped, resumed;
  through.push_back(make_trainer<float>({1, false}));
  train_steps(through[0], 0, 8);

  stopped.push_back(make_trainer<float>({2, true}));
  train_steps(stopped[0], 0, 3);
  save_checkpoint(file, settings, stopped);
  CHECK_FALSE(std::filesystem::exists(file.string() + ".unfinished"));
  resumed.push_back(make_trainer<float>({1, true}));
  load_checkpoint(file, settings, resumed);
  train_steps(resumed[0], 3, 8);

  CHECK(same_bits(through[0].parameters, resumed[0].parameters));
  CHECK(same_bits(through[0].optimiser.second, resumed[0].optimiser.second));
  CHECK(through[0].record.loss == resumed[0].record.loss);
  CHECK(through[0].record.loss.size() == 8);

  SECTION("other settings are refused by name") {
    CHECK_THROWS_WITH(load_checkpoint(file, {{"--seed", "8"}, {"--layers", "2"}}, resumed),
                      mhc::test::contains("written with --seed 7, this run has --seed 8"));
  }
  SECTION("a truncated or damaged file is refused") {
    std::filesystem::resize_file(file, std::filesystem::file_size(file) - 1);
    CHECK_THROWS_WITH(load_checkpoint(file, settings, resumed), mhc::test::contains("damaged"));
    std::filesystem::resize_file(file, 10);
    CHECK_THROWS_WITH(load_checkpoint(file, settings, resumed), mhc::test::contains("no checkpoint"));
  }
  std::filesystem::remove(file);
}

TEST_CASE("a loss that is not finite ends the training of that model alone") {
  auto t = make_trainer<float>({1, false});
  train_steps(t, 0, 2);
  t.parameters[0] = std::numeric_limits<float>::infinity();
  auto const before = t.parameters;
  for (int step = 2; step < 20 && !t.record.diverged(); ++step) train_steps(t, step, step + 1);
  CHECK(t.record.diverged());
  CHECK(std::all_of(t.record.loss.begin(), t.record.loss.end(), [](double l) { return std::isfinite(l); }));
  CHECK(t.record.loss.size() == unsigned_size(static_cast<std::ptrdiff_t>(t.record.diverged_at)));
}

TEST_CASE("recomputation keeps one sublayer, not all") {
  auto const shape = small_shape();
  auto const kept = make_model<sinkhorn_mhc<float>>(shape, {1, false});
  // Attention 4TC + heads·T² = 170 and MLP T·hidden = 50 elements per sequence, padded to 176 and 64, twice each.
  sublayers<float> const f(shape, {1, false});
  CHECK(f.activation_count(3, 5, false) == 3 * 2 * (176 + 64));
  CHECK(f.activation_count(3, 5, true) == 3 * 176);
  CHECK(kept.activation_count(3, 5, true) < kept.activation_count(3, 5, false));
}

TEST_CASE("spikes are counted against the median before them") {
  std::vector<double> norms(60, 1.0);
  CHECK(count_spikes(norms) == 0);
  norms[40] = 3.1;
  norms[50] = 2.9;
  norms[10] = 100;  // too early for a median
  CHECK(count_spikes(norms) == 1);
}
