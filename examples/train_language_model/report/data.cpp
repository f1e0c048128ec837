// SPDX-License-Identifier: MIT
#include "data.hpp"

#include <nlohmann/json.hpp>

#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <system_error>

namespace demo {

namespace fs = std::filesystem;
using nlohmann::json;

namespace {

std::ostringstream csv(char const* header) {
  std::ostringstream out;
  out.precision(9);
  out << header << '\n';
  return out;
}

std::string steps_csv(summary const& run) {
  auto out = csv("connection,step,loss_bits_per_byte,gradient_norm,milliseconds");
  for (auto const& m : run.kinds)
    for (std::size_t i = 0; i < m.record.loss.size(); ++i)
      out << m.name << ',' << i + 1 << ',' << m.record.loss[i] << ',' << m.record.gradient_norm[i] << ','
          << m.record.milliseconds[i] << '\n';
  return out.str();
}

std::string validation_csv(summary const& run) {
  auto out = csv("connection,step,loss_bits_per_byte");
  for (auto const& m : run.kinds)
    for (std::size_t i = 0; i < m.record.validation_loss.size(); ++i)
      out << m.name << ',' << m.record.validation_step[i] << ',' << m.record.validation_loss[i] << '\n';
  return out.str();
}

std::string gains_csv(summary const& run) {
  auto out = csv("connection,layers,forward_gain,backward_gain");
  for (auto const& m : run.kinds)
    for (std::size_t l = 0; l < m.mixed.gain_by_depth.size(); ++l)
      out << m.name << ',' << l + 1 << ',' << m.mixed.gain_by_depth[l].forward << ','
          << m.mixed.gain_by_depth[l].backward << '\n';
  return out.str();
}

std::string h_res_csv(summary const& run) {
  auto out = csv("connection,layer,row,column,mean_over_tokens");
  for (auto const& m : run.kinds) {
    auto const n = static_cast<std::size_t>(m.mixed.streams);
    for (std::size_t i = 0; i < m.mixed.h_res.size(); ++i)
      out << m.name << ',' << i / (n * n) << ',' << i / n % n << ',' << i % n << ',' << m.mixed.h_res[i] << '\n';
  }
  return out.str();
}

json settings_json(summary const& run) {
  auto const& o = run.settings;
  return {{"connections", o.connections},
          {"streams", o.streams},
          {"diagonal", o.diagonal},
          {"layers", o.layers},
          {"sublayers", shape_of(o).sublayers()},
          {"channels", o.channels},
          {"heads", o.heads},
          {"context", o.context},
          {"batch", o.batch},
          {"steps", o.steps},
          {"warmup", o.warmup},
          {"learning_rate", o.learning_rate},
          {"seed", o.seed},
          {"validation_batches", o.validation},
          {"recompute", o.recompute},
          {"device", o.device},
          {"computed_by", run.computed_by},
          {"threads", run.threads}};
}

json kind_json(measurement const& m) {
  json gains = json::array();
  for (auto const& gain : m.mixed.gain_by_depth)
    gains.push_back({{"forward", gain.forward}, {"backward", gain.backward}});
  return {{"connection", m.name},
          {"diverged_at_step", m.record.diverged() ? json(m.record.diverged_at) : json()},
          {"parameters", m.parameters},
          {"connection_parameters", m.connection_parameters},
          {"activation_bytes", m.kept_bytes},
          {"activation_bytes_with_recompute", m.recompute_bytes},
          {"training_bits_per_byte", m.training_loss},
          {"validation_bits_per_byte", m.validation_loss},
          {"largest_gradient_norm", m.largest_gradient_norm},
          {"gradient_spikes", m.spikes},
          {"forward_gain", m.forward_gain},
          {"backward_gain", m.backward_gain},
          {"milliseconds_per_step", m.milliseconds},
          {"overhead_over_residual", m.overhead},
          {"sample", m.sample},
          {"streams", m.mixed.streams},
          {"gain_by_depth", gains},
          {"h_res_mean_over_tokens", m.mixed.h_res},
          {"h_res_product_mean_over_tokens", m.mixed.product},
          {"loss_bits_per_byte", m.record.loss},
          {"gradient_norm", m.record.gradient_norm},
          {"validation_step", m.record.validation_step},
          {"validation_loss", m.record.validation_loss}};
}

json run_json(summary const& run) {
  json kinds = json::array();
  for (auto const& m : run.kinds) kinds.push_back(kind_json(m));
  return {{"settings", settings_json(run)}, {"text", {{"name", run.text_name}, {"bytes", run.text_bytes}}},
          {"steps_done", run.steps},        {"seconds", run.seconds},
          {"prompt", run.prompt},           {"kinds", kinds}};
}

}  // namespace

void check_writable(fs::path const& folder) {
  std::error_code error;
  fs::create_directories(folder, error);
  auto const probe = folder / ".writable";
  bool const opened = !error && std::ofstream(probe).is_open();
  if (!opened) throw std::runtime_error("cannot write in the folder " + folder.string());
  fs::remove(probe, error);
}

void write_file(fs::path const& file, std::string const& content) {
  std::ofstream out(file, std::ios::binary);
  out << content;
  out.close();
  if (!out) throw std::runtime_error("cannot write " + file.string());
}

void write_data(summary const& run, fs::path const& folder) {
  write_file(folder / "steps.csv", steps_csv(run));
  write_file(folder / "validation.csv", validation_csv(run));
  write_file(folder / "gains.csv", gains_csv(run));
  write_file(folder / "h_res.csv", h_res_csv(run));
  write_file(folder / "report.json", run_json(run).dump(1, ' ', false, json::error_handler_t::replace) + '\n');
}

}  // namespace demo
