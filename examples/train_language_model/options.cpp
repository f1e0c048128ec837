// SPDX-License-Identifier: MIT
#include "options.hpp"

#include "connections/connections.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace demo {

namespace {

void declare_model(CLI::App& app, options& o) {
  app.add_option("--connection", o.connections,
                 "Residual connections to train, side by side, of: " + connection_names() +
                     ". hc are hyper-connections, mhc has 20 Sinkhorn iterations, mhc-exact the exact projection, the "
                     "others their own mixing of the streams. Repeatable, or separated by commas")
      ->delimiter(',');
  app.add_option("--streams", o.streams, "Residual streams of all but residual: 1, 2, 4 or 8");
  app.add_option("--diagonal", o.diagonal, "How far above the others the diagonal logits of H_res start (mhc)");
  app.add_option("--layers", o.layers, "Transformer blocks, each an attention and an MLP, each in its own connection");
  app.add_option("--channels", o.channels, "Width of a token");
  app.add_option("--heads", o.heads, "Attention heads");
  app.add_option("--context", o.context, "Bytes a prediction can see");
}

void declare_training(CLI::App& app, options& o) {
  app.add_option("--text", o.text, "File to learn; the default is the project's own headers and documentation");
  app.add_option("--batch", o.batch, "Windows of text per step");
  app.add_option("--steps", o.steps, "Updates of every model");
  app.add_option("--warmup", o.warmup, "Steps over which the learning rate rises");
  app.add_option("--learning-rate", o.learning_rate, "Its highest value");
  app.add_option("--seed", o.seed, "Of the weights, the batches and the sample");
  app.add_option("--validation", o.validation, "Batches of the validation text that a loss is measured on");
  app.add_option("--sample", o.sample, "Bytes that each model writes at the end");
  app.add_option("--device", o.device, "cpu, or cuda for a GPU, where all is computed in float, without TF32");
  app.add_option("--threads", o.threads, "Of the CPU. 0: all cores. The numbers are the same for any");
  app.add_flag("--recompute", o.recompute,
               "Rebuild activations in the backward pass: less memory, more time, same numbers");
  app.add_option("--save", o.save, "Write a checkpoint to this file as the run goes on and at its end");
  app.add_option("--save-every", o.save_every, "Steps between checkpoints");
  app.add_option("--resume", o.resume, "Go on from this checkpoint, with the same numbers as if never stopped");
  app.add_option("--out", o.out, "Folder for report.html and the data behind it");
}

/// One line of bounds: `name` must lie in [low, high].
template <class T>
void check_range(char const* name, T value, T low, T high) {
  if (value >= low && value <= high) return;
  std::ostringstream message;
  message << name << " must be between " << low << " and " << high << ", not " << value;
  throw std::invalid_argument(message.str());
}

void check_connections(std::vector<std::string> const& names, std::ptrdiff_t streams) {
  for (auto name = names.begin(); name != names.end(); ++name) {
    auto const most = connection_named(*name).most_streams;
    if (streams > most)
      throw std::invalid_argument("--connection " + *name + " takes at most " + std::to_string(most) +
                                  " streams, not " + std::to_string(streams));
    if (std::find(names.begin(), name, *name) != name)
      throw std::invalid_argument("--connection names " + *name + " twice");
  }
}

void check(options const& o) {
  using integer = std::ptrdiff_t;
  if (o.streams != 1 && o.streams != 2 && o.streams != 4 && o.streams != 8)
    throw std::invalid_argument("--streams must be 1, 2, 4 or 8, not " + std::to_string(o.streams));
  check_connections(o.connections, o.streams);
  check_range("--diagonal", o.diagonal, -50.0, 50.0);
  check_range<integer>("--layers", o.layers, 1, 512);
  check_range<integer>("--channels", o.channels, 1, 8192);
  check_range<integer>("--heads", o.heads, 1, o.channels);
  check_range<integer>("--context", o.context, 1, 8192);
  check_range<integer>("--batch", o.batch, 1, 65536);
  check_range<integer>("--steps", o.steps, 1, 100'000'000);
  check_range<integer>("--warmup", o.warmup, 0, 100'000'000);
  check_range<integer>("--validation", o.validation, 1, 65536);
  check_range<integer>("--sample", o.sample, 0, 1'000'000);
  if (o.device != "cpu" && o.device != "cuda")
    throw std::invalid_argument("--device must be cpu or cuda, not \"" + o.device + '"');
  check_range("--threads", o.threads, 0, 4096);
  check_range<integer>("--save-every", o.save_every, 1, 100'000'000);
  if (!(o.learning_rate > 0) || !std::isfinite(o.learning_rate))
    throw std::invalid_argument("--learning-rate must be a positive number");
  if (o.channels % o.heads != 0)
    throw std::invalid_argument("--channels " + std::to_string(o.channels) + " is not divisible by --heads " +
                                std::to_string(o.heads));
}

template <class T>
std::string exact(T value) {
  std::ostringstream text;
  text.precision(17);
  text << value;
  return text.str();
}

}  // namespace

std::variant<options, int> parse_options(int argc, char** argv) {
  options o;
  CLI::App app{
      "Trains one small language model per kind of residual connection, side by side from the same weights on the same "
      "batches, and reports what it measured."};
  app.get_formatter()->column_width(32);
  app.option_defaults()->always_capture_default();
  declare_model(app, o);
  declare_training(app, o);
  try {
    app.parse(argc, argv);
    check(o);
  } catch (CLI::ParseError const& e) {
    if (e.get_exit_code() == 0) return app.exit(e);
    std::cerr << "train_language_model: " << e.what() << '\n';
    return 2;
  } catch (std::invalid_argument const& e) {
    std::cerr << "train_language_model: " << e.what() << '\n';
    return 2;
  }
  return o;
}

fingerprint fingerprint_of(options const& o, std::string_view text) {
  std::string names;
  for (auto const& name : o.connections) names += (names.empty() ? "" : ",") + name;
  return {{"--connection", names},
          {"--streams", exact(o.streams)},
          {"--diagonal", exact(o.diagonal)},
          {"--layers", exact(o.layers)},
          {"--channels", exact(o.channels)},
          {"--heads", exact(o.heads)},
          {"--context", exact(o.context)},
          {"--batch", exact(o.batch)},
          {"--steps", exact(o.steps)},
          {"--warmup", exact(o.warmup)},
          {"--learning-rate", exact(o.learning_rate)},
          {"--seed", exact(o.seed)},
          {"--validation", exact(o.validation)},
          {"--device", o.device},
          {"the text with hash", exact(hash_of(text))}};
}

}  // namespace demo
