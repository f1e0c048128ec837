// SPDX-License-Identifier: MIT
#include "progress.hpp"

#include "format.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <iostream>
#include <string>

namespace demo {

namespace {

constexpr std::ptrdiff_t plain_lines = 20;
constexpr auto refresh = std::chrono::milliseconds(100);
/// The loss shown is the mean of so many steps: that of one batch says little.
constexpr std::ptrdiff_t loss_window = 10;

std::size_t terminal_width() {
  winsize size{};
  bool const known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : 80;
}

std::string clock_text(double seconds) {
  auto const whole = std::lround(seconds);
  auto const two = [](long value) { return std::string(value < 10 ? "0" : "") + std::to_string(value); };
  if (whole >= 3600) return std::to_string(whole / 3600) + ':' + two(whole / 60 % 60) + ':' + two(whole % 60);
  return std::to_string(whole / 60) + ':' + two(whole % 60);
}

}  // namespace

progress::progress(std::ptrdiff_t first_step, std::ptrdiff_t steps)
    : terminal_{isatty(STDOUT_FILENO) == 1}, first_step_{first_step}, steps_{steps} {}

progress::~progress() {
  if (terminal_ && shown_ != clock::time_point{}) std::cout << std::endl;
}

void progress::show(std::ptrdiff_t step, std::vector<trainer<float>> const& trainers) {
  bool const last = step == steps_;
  if (!terminal_) {
    if (last || step % std::max<std::ptrdiff_t>(1, steps_ / plain_lines) == 0)
      std::cout << text(step, trainers) << std::endl;
    return;
  }
  if (!last && clock::now() - shown_ < refresh) return;
  shown_ = clock::now();
  auto const width = terminal_width() - 1;
  auto line = text(step, trainers);
  if (line.size() + 14 < width) line = bar(step, std::min<std::size_t>(width - line.size() - 3, 30)) + ' ' + line;
  std::cout << "\r\033[K" << line.substr(0, width) << std::flush;
}

std::string progress::bar(std::ptrdiff_t step, std::size_t width) const {
  auto const done = width * static_cast<std::size_t>(step) / static_cast<std::size_t>(steps_);
  return '[' + std::string(done, '#') + std::string(width - done, '.') + ']';
}

std::string progress::text(std::ptrdiff_t step, std::vector<trainer<float>> const& trainers) const {
  std::string line = std::to_string(step) + '/' + std::to_string(steps_);
  for (auto const& t : trainers)
    line +=
        "  " + t.name + ' ' + (t.record.diverged() ? "diverged" : fixed(mean_of_last(t.record.loss, loss_window), 3));
  std::chrono::duration<double> const taken = clock::now() - start_;
  double const speed = static_cast<double>(step - first_step_) / taken.count();
  return line + " bits/byte  " + fixed(speed, speed < 10 ? 2 : 0) + " steps/s  " +
         clock_text(static_cast<double>(steps_ - step) / speed) + " left";
}

}  // namespace demo
