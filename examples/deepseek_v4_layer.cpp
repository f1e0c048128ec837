// SPDX-License-Identifier: MIT
// Hyper-connections as DeepSeek-V4's checkpoints store them, run by mhc.
//
//   deepseek_v4_layer FILE.safetensors [PREFIX]   PREFIX defaults to layers.0.hc_attn
//   deepseek_v4_layer                             writes a small file in this layout first
//
// The tensors, all float32, for n streams of C channels:
//   PREFIX_fn    (2n + n², nC)  rows of pre, post, comb: mhc's phi as it is
//   PREFIX_scale (3)            of pre, post, comb:      alpha
//   PREFIX_base  (2n + n²)                               bias
//   hc_head_fn (n, nC), hc_head_scale (1), hc_head_base (n)   the head that contracts the streams at the end
// The settings of the model's configuration: hc_sinkhorn_iters = 20, hc_eps = 1e-6, rms_norm_eps = 1e-6.
//
// The program runs tokens through the connection and the head, and through the published formulas written out in plain
// loops in double. comb there is the transpose of H_res.

#include <mhc/mhc.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace {

constexpr int n = 4;  // hc_mult
constexpr int iterations = 20;
constexpr double hc_eps = 1e-6, norm_eps = 1e-6;

struct tensor {
  std::vector<std::size_t> shape;
  std::vector<float> data;
};
using tensors = std::map<std::string, tensor>;

/// safetensors: the length of a JSON header in 8 bytes, the header, then the data it points into.
void write_safetensors(std::string const& path, tensors const& all) {
  nlohmann::json header;
  std::uint64_t at = 0;
  for (auto const& [name, t] : all) {
    std::uint64_t const end = at + t.data.size() * sizeof(float);
    header[name] = {{"dtype", "F32"}, {"shape", t.shape}, {"data_offsets", {at, end}}};
    at = end;
  }
  std::string const text = header.dump();
  std::uint64_t const length = text.size();
  std::ofstream file(path, std::ios::binary);
  file.write(reinterpret_cast<char const*>(&length), sizeof length);
  file << text;
  for (auto const& [name, t] : all)
    file.write(reinterpret_cast<char const*>(t.data.data()), std::streamsize(t.data.size() * sizeof(float)));
  if (!file) throw std::runtime_error("cannot write " + path);
}

tensor read_tensor(std::string const& path, std::string const& name) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  std::uint64_t length = 0;
  file.read(reinterpret_cast<char*>(&length), sizeof length);
  if (!file || length > std::filesystem::file_size(path)) throw std::runtime_error(path + " is not a safetensors file");
  std::string text(length, ' ');
  file.read(text.data(), std::streamsize(length));
  auto const header = nlohmann::json::parse(text);
  if (!header.contains(name)) throw std::runtime_error(path + " has no tensor " + name);
  auto const& entry = header[name];
  if (entry["dtype"] != "F32") throw std::runtime_error(name + " is not float32");
  std::uint64_t const begin = entry["data_offsets"][0], end = entry["data_offsets"][1];
  tensor t{entry["shape"].get<std::vector<std::size_t>>(), std::vector<float>((end - begin) / sizeof(float))};
  file.seekg(std::streamoff(sizeof length + length + begin));
  file.read(reinterpret_cast<char*>(t.data.data()), std::streamsize(end - begin));
  if (!file) throw std::runtime_error(path + " ends within " + name);
  return t;
}

std::vector<float> wave(std::size_t count, double size, double phase) {
  std::vector<float> a(count);
  for (std::size_t k = 0; k < count; ++k)
    a[k] = float(size * std::sin(1.3 * double(k) + phase + 40 * std::sin(double(k))));
  return a;
}

void write_sample(std::string const& path) {
  constexpr std::size_t channels = 160, scores = 2 * n + n * n, length = n * channels;
  write_safetensors(path, {{"layers.0.hc_attn_fn", {{scores, length}, wave(scores * length, .1, 1)}},
                           {"layers.0.hc_attn_scale", {{3}, {.9f, .7f, 1.2f}}},
                           {"layers.0.hc_attn_base", {{scores}, wave(scores, 2, 2)}},
                           {"hc_head_fn", {{n, length}, wave(n * length, .1, 3)}},
                           {"hc_head_scale", {{1}, {.8f}}},
                           {"hc_head_base", {{n}, wave(n, 1, 4)}}});
}

/// What a connection or a head is stored as.
struct stored {
  tensor fn, scale, base;

  stored(std::string const& path, std::string const& prefix, std::size_t rows, std::size_t scales)
      : fn(read_tensor(path, prefix + "_fn")),
        scale(read_tensor(path, prefix + "_scale")),
        base(read_tensor(path, prefix + "_base")) {
    if (fn.shape.size() != 2 || fn.shape[0] != rows || fn.shape[1] % n != 0 || scale.data.size() != scales ||
        base.data.size() != rows)
      throw std::runtime_error(prefix + " does not have the shapes of " + std::to_string(n) + " streams");
  }
  std::size_t channels() const { return fn.shape[1] / n; }
};

/// F of the layer: anything.
float sublayer(float u) { return std::sin(2 * u); }

/// x through the connection, then through the head, by mhc.
std::vector<float> with_mhc(stored const& layer, stored const& end, std::vector<float> const& x,
                            std::ptrdiff_t tokens) {
  auto const channels = std::ptrdiff_t(layer.channels());
  using projection = mhc::sinkhorn<mhc::convention::deepseek_v4>;
  using connection = mhc::connection<float, n, projection>;
  connection const hc{.channels = channels,
                      .projection = {.iterations = iterations, .convention = {.epsilon = hc_eps}},
                      .norm_epsilon = float(norm_eps),
                      .pre_epsilon = float(hc_eps),
                      .post_scale = 2};
  mhc::head<float, n> const head{.channels = channels, .norm_epsilon = float(norm_eps), .pre_epsilon = float(hc_eps)};
  auto const at = [](std::vector<float>& a) { return a.data(); };
  std::vector<float> h_pre(std::size_t(tokens * n)), h_post(h_pre), h_res(h_pre.size() * n), next(x.size()),
      u(x.size() / n), out(u.size());

  mhc::pre(mhc::simd, hc, {layer.fn.data.data(), layer.scale.data.data(), layer.base.data.data()},
           {x.data(), tokens, channels}, {at(h_pre), tokens}, {at(h_post), tokens}, {at(h_res), tokens},
           {at(u), tokens, channels});
  for (float& value : u) value = sublayer(value);
  mhc::stream_view<float const, n> const streams{x.data(), tokens, channels};
  mhc::mix(mhc::simd, {at(h_res), tokens}, {at(h_post), tokens}, streams, {at(u), tokens, channels},
           mhc::stream_view<float, n>{at(next), tokens, channels});
  mhc::contract(mhc::simd, head, {end.fn.data.data(), end.scale.data.data(), end.base.data.data()},
                {at(next), tokens, channels}, {at(h_pre), tokens}, {at(out), tokens, channels});
  return out;
}

using row = std::vector<double>;

double sigmoid(double a) { return 1 / (1 + std::exp(-a)); }

/// fn x / rms(x).
row scores(stored const& s, row const& x) {
  double square = 0;
  for (double const v : x) square += v * v;
  row mixes(s.base.data.size());
  for (std::size_t k = 0; k < mixes.size(); ++k) {
    for (std::size_t c = 0; c < x.size(); ++c) mixes[k] += s.fn.data[k * x.size() + c] * x[c];
    mixes[k] /= std::sqrt(square / double(x.size()) + norm_eps);
  }
  return mixes;
}

/// comb, from its logits: softmax of rows, + eps; columns; then rows and columns, each divided by its sum + eps.
row comb_of(row comb) {
  auto const divide = [&](bool by_row, double plus) {
    for (std::size_t i = 0; i < n; ++i) {
      double sum = plus;
      for (std::size_t j = 0; j < n; ++j) sum += by_row ? comb[i * n + j] : comb[j * n + i];
      for (std::size_t j = 0; j < n; ++j) (by_row ? comb[i * n + j] : comb[j * n + i]) /= sum;
    }
  };
  for (double& value : comb) value = std::exp(value);
  divide(true, 0);
  for (double& value : comb) value += hc_eps;
  divide(false, hc_eps);
  for (int t = 1; t < iterations; ++t) divide(true, hc_eps), divide(false, hc_eps);
  return comb;
}

row as_published(stored const& layer, stored const& end, row const& x) {
  std::size_t const channels = layer.channels();
  auto const weighted = [&](row const& streams, stored const& s, row const& mixes) {
    row u(channels);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t c = 0; c < channels; ++c)
        u[c] += (sigmoid(mixes[i] * s.scale.data[0] + s.base.data[i]) + hc_eps) * streams[i * channels + c];
    return u;
  };
  auto const mixes = scores(layer, x);
  row const u = weighted(x, layer, mixes);
  row logits(n * n), next(x.size());
  for (std::size_t k = 0; k < n * n; ++k)
    logits[k] = mixes[2 * n + k] * layer.scale.data[2] + layer.base.data[2 * n + k];
  auto const comb = comb_of(logits);
  for (std::size_t j = 0; j < n; ++j) {
    double const post = 2 * sigmoid(mixes[n + j] * layer.scale.data[1] + layer.base.data[n + j]);
    for (std::size_t c = 0; c < channels; ++c) {
      next[j * channels + c] = post * double(sublayer(float(u[c])));
      for (std::size_t i = 0; i < n; ++i) next[j * channels + c] += comb[i * n + j] * x[i * channels + c];
    }
  }
  return weighted(next, end, scores(end, next));
}

void run(std::string const& path, std::string const& prefix) {
  stored const layer(path, prefix, 2 * n + n * n, 3), end(path, "hc_head", n, 1);
  constexpr std::ptrdiff_t tokens = 21;
  std::size_t const length = n * layer.channels();
  auto const x = wave(tokens * length, 1.5, .5);
  auto const actual = with_mhc(layer, end, x, tokens);
  double worst = 0, largest = 0;
  for (std::size_t b = 0; b < std::size_t(tokens); ++b) {
    auto const first = x.begin() + std::ptrdiff_t(b * length);
    auto const expected = as_published(layer, end, row(first, first + std::ptrdiff_t(length)));
    for (std::size_t c = 0; c < expected.size(); ++c) {
      worst = std::max(worst, std::abs(expected[c] - actual[b * expected.size() + c]));
      largest = std::max(largest, std::abs(expected[c]));
    }
  }
  std::printf("%s of %s: %d streams of %zu channels, %td tokens\n", prefix.c_str(), path.c_str(), n, layer.channels(),
              tokens);
  std::printf("mhc in float against the published formulas in double: %.1e, values up to %.1f\n", worst, largest);
  if (!(worst <= 1e-5 * largest)) throw std::runtime_error("they do not agree");
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::string path = argc > 1 ? argv[1] : "";
    if (path.empty())
      write_sample(path = (std::filesystem::temp_directory_path() / "deepseek_v4_layer.safetensors").string());
    run(path, argc > 2 ? argv[2] : "layers.0.hc_attn");
  } catch (std::exception const& e) {
    std::fprintf(stderr, "deepseek_v4_layer: %s\n", e.what());
    return 1;
  }
}
