// SPDX-License-Identifier: MIT
#pragma once

// When what ran on which stream of the device, in text.

#include "device.cuh"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <string>
#include <vector>

namespace example {

/// Work enqueued through `note` is a piece, from an event before it to an event behind it. Work of the same name right
/// behind it on the same stream makes the piece longer.
class timeline {
 public:
  explicit timeline(cudaStream_t first) { start_.record(first); }

  template <class Work>
  void note(cudaStream_t stream, std::string const& lane, std::string const& name, Work const& work) {
    auto last = std::find_if(pieces_.rbegin(), pieces_.rend(), [&](piece const& p) { return p.lane == lane; });
    if (last == pieces_.rend() || last->name != name) {
      pieces_.push_back({lane, name, {}, {}});
      last = pieces_.rbegin();
      last->begin.record(stream);
    }
    work();
    last->end.record(stream);
  }

  /// A line per piece, by their beginnings, in microseconds, and a bar over the time of all.
  void print() const {
    struct line {
      piece const* of;
      double begin, end;
    };
    std::vector<line> lines;
    double all = 0;
    for (auto const& p : pieces_) {
      lines.push_back({&p, p.begin.microseconds_since(start_), p.end.microseconds_since(start_)});
      all = std::max(all, lines.back().end);
    }
    std::stable_sort(lines.begin(), lines.end(), [](line const& a, line const& b) { return a.begin < b.begin; });
    std::puts("  begin      end us  stream         what");
    for (auto const& l : lines) {
      auto const column = [&](double at) { return static_cast<std::size_t>(width * at / all); };
      std::string bar(width + 1, ' ');
      std::fill(bar.begin() + static_cast<std::ptrdiff_t>(column(l.begin)),
                bar.begin() + static_cast<std::ptrdiff_t>(column(l.end)) + 1, '#');
      std::printf("%7.0f  %7.0f  %-14s %-24s|%s|\n", l.begin, l.end, l.of->lane.c_str(), l.of->name.c_str(),
                  bar.c_str());
    }
  }

 private:
  static constexpr std::size_t width = 60;
  struct piece {
    std::string lane, name;
    device_event begin, end;
  };

  device_event start_;
  std::deque<piece> pieces_;
};

}  // namespace example
