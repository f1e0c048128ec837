// SPDX-License-Identifier: MIT
#include "plots.hpp"

#include "../connections/connections.hpp"
#include "gnuplot.hpp"
#include "heat_map.hpp"

#include <algorithm>
#include <cmath>
#include <sstream>

namespace demo {

namespace {

/// Axes in the page's colour, a faint grid, the key above.
std::string axes(char const* name, char const* x, char const* y) {
  std::ostringstream s;
  s << "set terminal svg size 860,440 dynamic noenhanced font 'sans-serif,14' linewidth 1 name '" << name << "'\n"
    << "set border 3 lc rgb '" << ink << "'\n"
    << "set tics nomirror textcolor rgb '" << ink << "'\n"
    << "set grid lc rgb '#B0888888' lw 0.6 dt solid\n"
    << "set key above horizontal textcolor rgb '" << ink << "' samplen 2.5\n"
    << "set xlabel '" << x << "' textcolor rgb '" << ink << "'\n"
    << "set ylabel '" << y << "' textcolor rgb '" << ink << "'\n";
  return s.str();
}

struct curve {
  std::string title;
  std::string style;
  std::vector<double> x;
  std::vector<double> y;
};

/// Data first, as blocks in the script itself, then one plot command.
std::string plot_of(std::string const& setup, std::vector<curve> const& curves) {
  std::ostringstream data, command;
  data.precision(7);
  for (std::size_t i = 0; i < curves.size(); ++i) {
    data << "$curve" << i << " << EOD\n";
    for (std::size_t k = 0; k < curves[i].x.size(); ++k)
      if (std::isfinite(curves[i].y[k])) data << curves[i].x[k] << ' ' << curves[i].y[k] << '\n';
    data << "EOD\n";
    command << (i == 0 ? "plot " : ", ") << "$curve" << i << " using 1:2 " << curves[i].style << ' '
            << (curves[i].title.empty() ? "notitle" : "title '" + curves[i].title + "'");
  }
  return setup + data.str() + command.str() + '\n';
}

std::vector<double> counted_from_one(std::size_t count) {
  std::vector<double> numbers(count);
  for (std::size_t i = 0; i < count; ++i) numbers[i] = static_cast<double>(i + 1);
  return numbers;
}

/// Mean of every value with up to `count` − 1 before it.
std::vector<double> smoothed(std::vector<double> const& values, std::ptrdiff_t count) {
  std::vector<double> means;
  for (auto end = values.begin(); end != values.end(); ++end)
    means.push_back(mean_of_last({values.begin(), end + 1}, count));
  return means;
}

std::ptrdiff_t smoothing(summary const& run) { return std::clamp<std::ptrdiff_t>(run.steps / 30, 1, 50); }

std::string lines(measurement const& m, double width, char const* dash = "solid") {
  std::ostringstream s;
  s << "with lines lw " << width << " dt " << dash << " lc rgb '" << colour_of(m.name) << '\'';
  return s.str();
}

std::string loss_plot(summary const& run) {
  std::vector<curve> curves;
  for (auto const& m : run.kinds) {
    auto const& r = m.record;
    curves.push_back({m.name, lines(m, 1.6), counted_from_one(r.loss.size()), smoothed(r.loss, smoothing(run))});
    curves.push_back(
        {"", "with points pt 7 ps 0.55 lc rgb '" + colour_of(m.name) + '\'', r.validation_step, r.validation_loss});
  }
  // The fall from the start would press the differences into a few pixels; where it leaves the frame it is known.
  std::vector<double> seen;
  for (auto const& c : curves)
    seen.insert(seen.end(), c.y.begin() + static_cast<std::ptrdiff_t>(c.y.size() / 10), c.y.end());
  std::ostringstream range;
  if (seen.size() > 20) range << "set yrange [:" << 1.05 * largest(seen) << "]\n";
  return plot_of(axes("loss", "step", "loss (bits per byte)") + range.str(), curves);
}

std::string gradient_plot(summary const& run) {
  std::vector<curve> curves;
  curves.reserve(run.kinds.size());
  for (auto const& m : run.kinds)
    curves.push_back({m.name, lines(m, 1), counted_from_one(m.record.loss.size()), m.record.gradient_norm});
  return plot_of(axes("gradient", "step", "gradient norm before clipping") + "set logscale y\n", curves);
}

std::string gain_plot(summary const& run) {
  std::vector<curve> curves;
  for (auto const& m : run.kinds) {
    std::vector<double> forward, backward;
    for (auto const& gain : m.mixed.gain_by_depth) {
      forward.push_back(gain.forward);
      backward.push_back(gain.backward);
    }
    auto const depth = counted_from_one(forward.size());
    curves.push_back({m.name, lines(m, 2), depth, std::move(forward)});
    curves.push_back({"", lines(m, 2, "(6,4)"), depth, std::move(backward)});
  }
  double low = 0.8, high = 1.25;
  for (auto const& c : curves)
    for (double const y : c.y) low = std::min(low, 0.9 * y), high = std::max(high, 1.1 * y);
  std::ostringstream range;
  range << "set logscale y\nset yrange [" << low << ':' << high << "]\n";
  return plot_of(axes("gains", "sublayers passed", "gain of the product of H_res") + range.str(), curves);
}

}  // namespace

std::string colour_of(std::string const& connection) { return connection_named(connection).colour; }

std::vector<figure> draw_figures(summary const& run, std::filesystem::path const& folder) {
  std::vector<figure> figures;
  auto const add = [&](char const* name, std::string script, std::string title, std::string caption) {
    auto svg = script.empty() ? std::nullopt : run_gnuplot(script, folder, name);
    figures.push_back({std::move(title), std::move(caption), svg.value_or("")});
  };
  add("loss", loss_plot(run), "Loss",
      "Lines: training loss, mean of " + std::to_string(smoothing(run)) +
          " steps. Points: loss on the validation text. Lower is better.");
  add("gradient_norm", gradient_plot(run), "Gradient norm",
      "Euclidean norm of the gradient of all parameters at every step, before it is clipped to 1. Logarithmic.");
  add("gains", gain_plot(run), "Gain against depth",
      "How much the residual path alone can amplify a signal on its way through the first layers (forward, solid: "
      "largest "
      "row sum of the product of H_res) and a gradient on its way back (backward, dashed: largest column sum), at the "
      "worst token of a validation batch. 1 is the plain residual. Logarithmic.");
  add("h_res", heat_map_script(run), "What the streams are mixed with",
      "H_res of three sublayers and the product of all of them, mean over the tokens of a validation batch. Row: the "
      "stream written. Column: the stream read. Colours end at −1 and 1; the numbers do not.");
  return figures;
}

}  // namespace demo
