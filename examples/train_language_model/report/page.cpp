// SPDX-License-Identifier: MIT
#include "page.hpp"

#include "../connections/connections.hpp"
#include "format.hpp"
#include "style.hpp"

#include <sstream>
#include <string_view>

namespace demo {

namespace {

std::string escaped(std::string_view text) {
  std::string result;
  for (char const c : text) {
    switch (c) {
      case '<': result += "&lt;"; break;
      case '>': result += "&gt;"; break;
      case '&': result += "&amp;"; break;
      case '"': result += "&quot;"; break;
      default: result += c;
    }
  }
  return result;
}

/// The svg element alone: what stands before it belongs to a file, not into a page.
std::string_view element(std::string_view svg) {
  auto const at = svg.find("<svg");
  return at == std::string_view::npos ? svg : svg.substr(at);
}

std::string name_of(measurement const& m) {
  return "<span class=\"dot\" style=\"background:" + colour_of(m.name) + "\"></span>" + escaped(m.name);
}

std::string meaning_of(std::string const& connection, options const& o) {
  auto const& kind = connection_named(connection);
  std::string const title = kind.title;
  return (title.empty() ? "" : title + ", " + std::to_string(o.streams) + " streams. ") + kind.meaning;
}

void write_opening(std::ostringstream& s, summary const& run) {
  auto const& o = run.settings;
  s << "<h1>One transformer, " << run.kinds.size()
    << (run.kinds.size() == 1 ? " residual connection" : " residual connections")
    << "</h1>\n<p class=\"lead\">A byte-level language model of " << o.layers << " blocks (" << shape_of(o).sublayers()
    << " sublayers) and " << o.channels << " channels, trained for " << run.steps << " steps of " << o.batch << " × "
    << o.context << " bytes on " << escaped(run.text_name) << " (" << grouped(std::ptrdiff_t(run.text_bytes))
    << " bytes), highest learning rate " << o.learning_rate << ". All start from the same weights and see the same "
    << "batches, taking turns step by step; what differs is how a sublayer is joined to the rest.</p>\n<dl>\n";
  for (auto const& m : run.kinds) s << "<dt>" << name_of(m) << "</dt><dd>" << meaning_of(m.name, o) << "</dd>\n";
  s << "</dl>\n";
  if (run.steps < o.steps)
    s << "<p class=\"notice\">Stopped after " << run.steps << " of " << o.steps
      << " steps: this is what was measured until then.</p>\n";
  for (auto const& m : run.kinds)
    if (m.record.diverged())
      s << "<p class=\"notice\"><b>" << escaped(m.name) << " diverged.</b> Its loss or gradient was not finite at step "
        << fixed(m.record.diverged_at, 0) << ", where its training ended; the others went on.</p>\n";
}

void write_table(std::ostringstream& s, summary const& run) {
  s << "<h2>Measured</h2>\n<div class=\"scroll\"><table>\n<thead><tr><th></th>";
  for (auto const& m : run.kinds) s << "<th>" << name_of(m) << "</th>";
  s << "</tr></thead>\n<tbody>\n";
  for (auto const& row : table_of(run)) {
    s << "<tr><td>" << row.label << "<span class=\"meaning\">" << row.meaning << "</span></td>";
    for (auto const& value : row.values) s << "<td>" << value << "</td>";
    s << "</tr>\n";
  }
  s << "</tbody></table></div>\n";
}

void write_figures(std::ostringstream& s, std::vector<figure> const& figures) {
  bool drawn = false;
  for (auto const& f : figures) {
    if (f.svg.empty()) continue;
    drawn = true;
    s << "<h2>" << f.title << "</h2>\n<figure>\n"
      << element(f.svg) << "\n<figcaption>" << f.caption << "</figcaption></figure>\n";
  }
  if (!drawn)
    s << "<p class=\"notice\">No pictures: gnuplot was not found. The data are in the files beside this page.</p>\n";
}

void write_samples(std::ostringstream& s, summary const& run) {
  bool any = false;
  for (auto const& m : run.kinds) any = any || !m.sample.empty();
  if (!any) return;
  s << "<h2>What they write</h2>\n<p class=\"lead\">Grey: the beginning of the validation text. Then each model on its "
       "own, all with the same random numbers.</p>\n<div class=\"samples\">\n";
  for (auto const& m : run.kinds)
    if (!m.sample.empty())
      s << "<div class=\"sample\">" << name_of(m) << "<pre><b>" << escaped(readable(run.prompt)) << "</b>"
        << escaped(readable(m.sample)) << "</pre></div>\n";
  s << "</div>\n";
}

}  // namespace

std::string page_of(summary const& run, std::vector<figure> const& figures) {
  std::ostringstream s;
  s << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
    << "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>Residual connections "
       "compared</title>\n"
    << "<style>" << page_style << "</style>\n</head>\n<body>\n";
  write_opening(s, run);
  write_table(s, run);
  write_figures(s, figures);
  write_samples(s, run);
  s << "<footer>Seed " << run.settings.seed << ", " << escaped(run.computed_by) << ", " << fixed(run.seconds, 0)
    << " s in all. The data: steps.csv, validation.csv, gains.csv, h_res.csv, report.json.</footer>\n"
    << "</body>\n</html>\n";
  return s.str();
}

}  // namespace demo
