// SPDX-License-Identifier: MIT
// The benchmarks' table and JSON, from numbers made up so that every share and ratio is known.

#include "support/table.hpp"

#include "support/catch.hpp"
#include "support/json.hpp"

#include <sstream>

using bench::bound;
using mhc::test::approx;
using mhc::test::contains;

namespace {

/// 2 GB/s reading, 1 GB/s copying, 8 GFLOP/s; the fastest repetition is not the first.
bench::limits machine() { return {{9e-10, 5e-10, 7e-10}, {1e-9, 2e-9, 3e-9}, {2e-10, 3e-10, 1.25e-10}}; }

/// 1000 float tokens whose tensors do not fit into a cache of 1 byte.
bench::description tokens(bench::work todo) { return {"mix/forward", "float", 4, 1280, 1000, 4, std::move(todo), 1}; }

}  // namespace

TEST_CASE("bytes bind against the bandwidth of their kind, operations against the peak") {
  auto const reading = bench::least(tokens({{100, 50, 10}}), machine());
  CHECK(reading.seconds == approx(600 * 5e-10));
  CHECK(reading.by == bound::read);

  auto const copying = bench::least(tokens({{100, 51, 10}}), machine());
  CHECK(copying.seconds == approx(604 * 1e-9));
  CHECK(copying.by == bound::copy);

  auto const arithmetic = bench::least(tokens({{100, 51, 1e4}}), machine());
  CHECK(arithmetic.seconds == approx(1e4 * 1.25e-10));
  CHECK(arithmetic.by == bound::arithmetic);
}

TEST_CASE("passes add up, and what takes longest gives its name") {
  auto const both = bench::least(tokens({{100, 0, 1e4}, {50, 50, 0}}), machine());
  CHECK(both.seconds == approx(1e4 * 1.25e-10 + 400 * 1e-9));
  CHECK(both.by == bound::arithmetic);
}

TEST_CASE("bytes that stay in the cache take no time") {
  auto what = tokens({{100, 50, 10}});
  what.cache = 600 * 1000;
  CHECK(bench::least(what, machine()).seconds == approx(10 * 1.25e-10));
  what.cache -= 1;
  CHECK(bench::least(what, machine()).seconds == approx(600 * 5e-10));
}

TEST_CASE("shares and ratios come from the fastest repetitions") {
  bench::result const r{tokens({{100, 50, 10}}), {7e-6, 6e-6}, {{2, {2e-6, 6e-7, 3e-6}, machine()}}};
  CHECK(bench::share(r.what, r.runs[0]) == approx(0.5));
  CHECK(bench::speedup(r, r.runs[0]) == approx(10));
  CHECK(bench::share_text(r.what, r.runs[0]) == "50 % read");
  CHECK(bench::speedup_text(r, r.runs[0]) == "10.0x");
  CHECK(bench::rate_text(r.what.bytes(), 6e-7) == "1.0");
}

TEST_CASE("what was not measured is a dash, never a number") {
  bench::run const nothing{1, {}, {}}, no_limits{1, {1e-6}, {}};
  bench::result const r{tokens({{100, 50, 10}}), {}, {nothing, no_limits}};
  for (auto const& by : r.runs) {
    CHECK(bench::share_text(r.what, by) == "-");
    CHECK(bench::speedup_text(r, by) == "-");
  }
  CHECK(bench::time_text(0) == "-");
  CHECK(bench::rate_text(100, 0) == "-");
  CHECK(bench::rate_text(0, 1) == "-");
}

TEST_CASE("times have three digits in the unit that suits them") {
  CHECK(bench::time_text(1.234e-9) == "1.23 ns");
  CHECK(bench::time_text(98.76e-9) == "98.8 ns");
  CHECK(bench::time_text(9.876e-6) == "9876 ns");
  CHECK(bench::time_text(12.34e-6) == "12.3 us");
}

TEST_CASE("a line of the table has as many columns as its header") {
  bench::result const r{tokens({{100, 50, 10}}), {6e-6}, {{1, {6e-7}, machine()}, {2, {3e-7}, machine()}}};
  auto const line = bench::table_line(r), header = bench::table_header({1, 2});
  CHECK(line.size() == header.size());
  CHECK(line.find('|') == header.find('|'));
  CHECK_THAT(line, contains("mix/forward") && contains("1280") && contains("20.0x"));
}

TEST_CASE("the work of operations, counted by hand for two streams of three channels") {
  bench::sizes const s{.n = 2, .C = 3};
  auto const a = bench::aggregate(s);  // 2 + 6 in, 3 out, 6 products and 6 sums
  CHECK((a.read == 8 && a.written == 3 && a.operations == 12));
  auto const m = bench::mix(s);  // 4 + 2 + 6 + 3 in, 6 out, each from 2 streams and y
  CHECK((m.read == 15 && m.written == 6 && m.operations == 36));
  auto const g = bench::mix_vjp(s);  // h_res, h_post, x, y and the gradient in, their gradients out
  CHECK((g.read == 21 && g.written == 15 && g.operations == 72));
  auto const p = bench::pre_vjp(s);  // x, ∂u, ∂h_post and ∂h_res in, ∂x out
  CHECK((p.read == 15 && p.written == 6));
  CHECK(bench::times(12, bench::layer(s) + bench::layer_vjp(s)).size() == 48);
}

TEST_CASE("JSON has every repetition, one line for each number of threads") {
  bench::result const r{tokens({{100, 50, 10}}), {7e-6, 6e-6}, {{1, {6e-7}, machine()}, {2, {3e-7}, machine()}}};
  std::ostringstream text;
  bench::write(text, {{"cpu", "a \"fast\" one"}}, {{"read/1", 2e9}}, {r});
  CHECK_THAT(text.str(), contains("\"cpu\": \"a \\\"fast\\\" one\""));
  CHECK_THAT(text.str(), contains("\"read/1\": 2e+09"));
  CHECK_THAT(text.str(), contains("\"naive_seconds\": [7e-06, 6e-06]"));
  CHECK_THAT(text.str(), contains("\"threads\": 1, \"ns\": 600,") && contains("\"threads\": 2, \"ns\": 300,"));
  CHECK_THAT(text.str(), contains("\"share\": 0.5, \"limit\": \"read\""));
}
