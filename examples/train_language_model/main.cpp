// SPDX-License-Identifier: MIT
// Trains a small transformer once per kind of residual connection, side by side, and reports what it measured.

#include "freed_memory.hpp"
#include "interrupt.hpp"
#include "options.hpp"
#include "report/data.hpp"
#include "report/page.hpp"
#include "report/plots.hpp"
#include "report/progress.hpp"
#include "report/summary.hpp"
#include "text.hpp"
#include "training/race.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <filesystem>
#include <iostream>
#include <new>
#include <string>
#include <variant>

namespace {

using namespace demo;

void write_report(summary const& run, std::filesystem::path const& folder) {
  write_data(run, folder);
  auto const figures = draw_figures(run, folder);
  write_file(folder / "report.html", page_of(run, figures));
  if (std::all_of(figures.begin(), figures.end(), [](auto const& f) { return f.svg.empty(); }))
    std::cout << "gnuplot was not found: the report has no pictures, the data are beside it\n";
  std::cout << "report: " << (folder / "report.html").string() << '\n';
}

void introduce(options const& o, corpus const& text, std::string const& place,
               std::vector<trainer<float>> const& trainers) {
  std::cout << o.layers << " blocks, " << o.channels << " channels, " << trainers.size() << " of "
            << trainers.front().model.transformer_parameter_count() << " parameters and more for the connections; "
            << text.bytes.size() << " bytes of text (" << text.name << "); " << place << "; ctrl-C stops and reports"
            << std::endl;
}

void run(options const& o) {
  auto const start = std::chrono::steady_clock::now();
  auto const place = computed_by(o);
  auto const text = read_corpus(o.text, MHC_SOURCE_DIR);
  check_long_enough(text, o.context);
  check_writable(o.out);
  if (!o.save.empty()) check_writable(std::filesystem::absolute(o.save).parent_path());
  auto trainers = make_trainers(o);
  if (!o.resume.empty()) {
    load_checkpoint(o.resume, fingerprint_of(o, text.bytes), trainers);
    for (auto& t : trainers) t.put();
  }

  catch_interrupts();
  introduce(o, text, place, trainers);
  {
    progress shown(steps_done(trainers), o.steps);
    train(o, text, trainers, [&](std::ptrdiff_t step) { shown.show(step, trainers); });
  }
  auto measured = summarise(o, text, trainers);
  measured.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (measured.steps < o.steps && interrupted()) std::cout << "stopped after " << measured.steps << " steps\n";
  print(measured);
  write_report(measured, o.out);
}

}  // namespace

int main(int argc, char** argv) {
  auto const parsed = parse_options(argc, argv);
  if (auto const* status = std::get_if<int>(&parsed)) return *status;
  demo::keep_freed_memory();
  try {
    run(std::get<options>(parsed));
  } catch (std::bad_alloc const&) {
    std::cerr << "train_language_model: there is not enough memory for these options\n";
    return 1;
  } catch (std::exception const& e) {
    std::cerr << "train_language_model: " << e.what() << '\n';
    return 1;
  }
}
