// SPDX-License-Identifier: MIT
#pragma once

#include "trainer.hpp"

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

/// A file with all that a run needs to go on with the same numbers: for every model its parameters, AdamW's two
/// running means, and the history. Batches and the learning rate follow from the step and need no state.

namespace demo {

/// What the numbers of a run depend on, as (option, value): a run goes on only from a checkpoint with the same.
using fingerprint = std::vector<std::pair<std::string, std::string>>;

inline std::uint64_t hash_of(std::string_view bytes) {
  std::uint64_t hash = 0xCBF29CE484222325u;  // FNV-1a
  for (char const c : bytes) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  return hash;
}

namespace detail {

inline constexpr std::string_view checkpoint_magic = "mhc train_language_model checkpoint 1\n";

/// Appends values to a string of bytes.
class byte_writer {
 public:
  void operator()(double value) { append(&value, sizeof value); }
  void operator()(std::string const& text) { sized(text); }
  template <class T, class A>
    requires std::is_floating_point_v<T>
  void operator()(std::vector<T, A> const& values) {
    sized(values);
  }

  std::string bytes{checkpoint_magic};

 private:
  template <class Container>
  void sized(Container const& values) {
    auto const count = static_cast<std::uint64_t>(values.size());
    append(&count, sizeof count);
    append(values.data(), values.size() * sizeof *values.data());
  }
  void append(void const* data, std::size_t size) { bytes.append(static_cast<char const*>(data), size); }
};

/// Reads them again, in the same order.
class byte_reader {
 public:
  explicit byte_reader(std::string_view bytes) : rest_(bytes) {}

  void operator()(double& value) { take(&value, sizeof value); }
  void operator()(std::string& text) { sized(text); }
  template <class T, class A>
    requires std::is_floating_point_v<T>
  void operator()(std::vector<T, A>& values) {
    sized(values);
  }

 private:
  template <class Container>
  void sized(Container& values) {
    std::uint64_t count = 0;
    take(&count, sizeof count);
    if (count > rest_.size() / sizeof *values.data()) throw std::runtime_error("it ends too early");
    values.resize(static_cast<std::size_t>(count));
    take(values.data(), values.size() * sizeof *values.data());
  }
  void take(void* data, std::size_t size) {
    if (size > rest_.size()) throw std::runtime_error("it ends too early");
    std::copy_n(rest_.begin(), size, static_cast<char*>(data));  // of nothing, too, where there may be no array
    rest_.remove_prefix(size);
  }

  std::string_view rest_;
};

/// The state of one trainer, in the order of the file.
template <class Archive, class Trainer>
void transfer(Archive& archive, Trainer& t) {
  archive(t.parameters);
  archive(t.optimiser.first);
  archive(t.optimiser.second);
  archive(t.record.loss);
  archive(t.record.gradient_norm);
  archive(t.record.milliseconds);
  archive(t.record.validation_step);
  archive(t.record.validation_loss);
  archive(t.record.diverged_at);
}

inline void check_same(fingerprint const& settings, fingerprint const& saved) {
  if (settings.size() != saved.size()) throw std::runtime_error("it was written by another version of this program");
  for (std::size_t i = 0; i < settings.size(); ++i)
    if (settings[i] != saved[i])
      throw std::runtime_error("it was written with " + saved[i].first + " " + saved[i].second + ", this run has " +
                               settings[i].first + " " + settings[i].second);
}

}  // namespace detail

/// Writes beside the file and renames, so that a run killed meanwhile leaves the checkpoint before it.
template <class T>
void save_checkpoint(std::filesystem::path const& file, fingerprint const& settings,
                     std::vector<trainer<T>> const& trainers) {
  detail::byte_writer write;
  write(static_cast<double>(settings.size()));
  for (auto const& [name, value] : settings) write(name), write(value);
  for (trainer<T> const& t : trainers) detail::transfer(write, t);
  std::uint64_t const hash = hash_of(write.bytes);
  write.bytes.append(reinterpret_cast<char const*>(&hash), sizeof hash);

  auto const unfinished = std::filesystem::path(file) += ".unfinished";
  std::ofstream out(unfinished, std::ios::binary);
  out.write(write.bytes.data(), static_cast<std::streamsize>(write.bytes.size()));
  out.close();
  if (!out) throw std::runtime_error("cannot write the checkpoint " + unfinished.string());
  std::filesystem::rename(unfinished, file);
}

/// @throws std::runtime_error with the reason if the file cannot be read, is damaged, or has other settings; the
/// trainers are then unchanged or of no further use.
template <class T>
void load_checkpoint(std::filesystem::path const& file, fingerprint const& settings,
                     std::vector<trainer<T>>& trainers) {
  try {
    std::ifstream in(file, std::ios::binary);
    if (!in || !std::filesystem::is_regular_file(file)) throw std::runtime_error("there is no such file to read");
    std::string const all{std::istreambuf_iterator<char>(in), {}};
    std::string_view bytes = all;
    if (!bytes.starts_with(detail::checkpoint_magic)) throw std::runtime_error("it is no checkpoint of this program");
    std::uint64_t hash = 0;
    if (bytes.size() < detail::checkpoint_magic.size() + sizeof hash) throw std::runtime_error("it ends too early");
    std::memcpy(&hash, bytes.data() + bytes.size() - sizeof hash, sizeof hash);
    bytes.remove_suffix(sizeof hash);
    if (hash != hash_of(bytes)) throw std::runtime_error("it is damaged");

    detail::byte_reader read(bytes.substr(detail::checkpoint_magic.size()));
    double count = 0;
    read(count);
    fingerprint saved(static_cast<std::size_t>(count));
    for (auto& [name, value] : saved) read(name), read(value);
    detail::check_same(settings, saved);
    for (trainer<T>& t : trainers) detail::transfer(read, t);
  } catch (std::runtime_error const& e) {
    throw std::runtime_error("cannot resume from " + file.string() + ": " + e.what());
  }
}

}  // namespace demo
