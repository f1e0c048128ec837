// SPDX-License-Identifier: MIT
// Does the emulation see what goes wrong? Every barrier of the library's kernels is left out once, and its absence has
// to show in a result; or, where there is ThreadSanitizer, as a data race.

#include "cuda/support/device.hpp"
#include "cuda_emulation/grid.hpp"
#include "support/mix_pre.hpp"

#include <mhc/ops/aggregate/aggregate.hpp>
#include <mhc/ops/project/project.hpp>
#include <mhc/projections/permutation.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <string>
#include <vector>

using namespace mhc::test;

namespace {

using values = std::vector<std::vector<float>>;
using kind = kind_case<device_policy, float, 4, mhc_sinkhorn>;
using short_kind = kind_case<device_policy, mhc::bfloat16, 4, mhc_sinkhorn>;
constexpr std::ptrdiff_t channels = 264, tokens = 70, matrices = 700;

values gates() {
  auto const connection = kind::make(channels);
  auto const h =
      run_gates<kind>(true, connection, random_parameters(connection), gaussian<float>(tokens * 4 * channels, 1, 2));
  return {h.pre, h.post, h.res, h.u};
}

values gates_by_scan() {
  cuda_emulation::generation = 80;  // without clusters
  auto const all = gates();
  cuda_emulation::generation = 90;
  return all;
}

values mixed_gates() {  // of 16 bits, which are mixed in the launch
  mix_pre_problem<short_kind, mhc::bfloat16> const in(tokens, channels);
  mix_pre_values<short_kind, mhc::bfloat16> out(in);
  mhc::mix_pre(device_policy{}, {in.res.data(), tokens}, {in.post.data(), tokens}, in.streams(in.x),
               {in.y.data(), tokens, channels}, in.kind, in.p(), in.streams(out.x), {out.pre.data(), tokens},
               {out.post.data(), tokens}, {out.res.data(), tokens}, {out.u.data(), tokens, channels});
  return {{out.x.begin(), out.x.end()},
          out.pre.values(),
          out.post.values(),
          out.res.values(),
          {out.u.begin(), out.u.end()}};
}

values gate_gradients_of_all() {
  auto const connection = kind::make(channels);
  auto const d =
      run_gates_vjp<kind>(true, connection, random_parameters(connection), gaussian<float>(tokens * 4 * channels, 1, 2),
                          random_cotangents(true, connection, tokens));
  return {d.x, d.parameters};
}

values gate_gradients_of_bfloat16() {
  constexpr std::ptrdiff_t few = 136;  // a chunk's last stage is where a block's next turn begins
  auto const connection = short_kind::make(few);
  auto const d = run_gates_vjp<short_kind>(true, connection, random_parameters(connection),
                                           gaussian<mhc::bfloat16>(tokens * 4 * few, 1, 2),
                                           random_cotangents<mhc::bfloat16>(true, connection, tokens));
  return {{d.x.begin(), d.x.end()}, d.parameters};
}

values aggregate_gradients() {
  guarded<float> const xs(gaussian<float>(tokens * 4 * channels, 1, 2)), us(gaussian<float>(tokens * channels, 1, 6));
  guarded<float> hg(tokens * 4), xg(tokens * 4 * channels);
  mhc::aggregate_vjp(device_policy{}, mhc::vector_view<float const, 4>{us.data(), tokens},
                     mhc::stream_view<float const, 4>{xs.data(), tokens, channels}, {us.data(), tokens, channels},
                     {hg.data(), tokens}, {xg.data(), tokens, channels});
  return {hg.values()};
}

values projections() {
  guarded<float> const z(gaussian<float>(matrices * 16, 1, 3)), g(gaussian<float>(matrices * 16, 1, 4));
  guarded<float> plan(matrices * 16), gradient(matrices * 16);
  mhc::vector_view<float const, 16> const zv{z.data(), matrices};
  mhc::sinkhorn<> const projection{.iterations = 3};
  mhc::project(device_policy{}, projection, zv, mhc::batch_view<float, 4>{plan.data(), matrices});
  mhc::project_vjp(device_policy{}, projection, zv, mhc::batch_view<float const, 4>{plan.data(), matrices},
                   {g.data(), matrices}, {gradient.data(), matrices});
  return {plan.values(), gradient.values()};
}

values long_rows() {  // read in rows of another length than they are stored in
  guarded<float> const z(gaussian<float>(matrices * 24, 1, 5));
  guarded<float> plan(matrices * 16);
  mhc::project(device_policy{}, mhc::permutation{}, {z.data(), matrices},
               mhc::batch_view<float, 4>{plan.data(), matrices});
  return {plan.values()};
}

/// Everything that a barrier can spoil.
using part = values (*)();
constexpr std::array<part, 8> parts = {
    gates,       mixed_gates, gates_by_scan, gate_gradients_of_all, gate_gradients_of_bfloat16, aggregate_gradients,
    projections, long_rows};

/// Where barriers stand, and the parts that meet them.
std::map<cuda_emulation::place, std::vector<part>> barriers() {
  using namespace cuda_emulation;
  std::map<place, std::vector<part>> all;
  for (auto const one : parts) {
    barriers_met.clear();
    one();
    for (auto const& where : barriers_met) all[where].push_back(one);
  }
  return all;
}

/// Every other turn of a kernel, and what is written at its end, needs barriers too: so few blocks that they take turns.
class watching {
 public:
  explicit watching(unsigned blocks) {
    cuda_emulation::most_blocks = blocks;
    cuda_emulation::watch_barriers = true;
  }
  watching(watching const&) = delete;
  watching& operator=(watching const&) = delete;
  ~watching() {
    cuda_emulation::barrier_left_out = {};
    cuda_emulation::watch_barriers = false;
    cuda_emulation::thread_order = 0;
    cuda_emulation::most_blocks = 0xffffffff;
  }
};

}  // namespace

#ifdef CUDA_EMULATION_TSAN

namespace {

int races = 0;
bool race_is_expected = false, race_ends_process = false;

char const* const process_name = "a process in which a barrier is left out";

/// Whether the parts race without a barrier, seen in a process of its own: ThreadSanitizer is blind for a place in memory
/// that it has reported, and for all that a process does which has been forked from one with threads.
bool is_a_race(cuda_emulation::place const& left_out, std::vector<part> const& some) {
  std::string numbers;
  for (auto const one : some)
    numbers += static_cast<char>('0' + (std::find(parts.begin(), parts.end(), one) - parts.begin()));
  std::string const line = std::to_string(left_out.second);
  pid_t const child = fork();
  if (child == 0) {
    setenv("CUDA_EMULATION_FILE", left_out.first.c_str(), 1);
    setenv("CUDA_EMULATION_LINE", line.c_str(), 1);
    setenv("CUDA_EMULATION_PARTS", numbers.c_str(), 1);
    execl("/proc/self/exe", "cuda_emulation_test", process_name, nullptr);
    _exit(2);
  }
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 64;
}

}  // namespace

namespace __tsan {

class ReportDesc;
bool OnReport(ReportDesc const*, bool suppressed);
/// Called by ThreadSanitizer before it reports, with its locks held: nothing in here may be watched. True if it shall not.
__attribute__((disable_sanitizer_instrumentation)) bool OnReport(ReportDesc const*, bool suppressed) {
  __atomic_fetch_add(&races, suppressed ? 0 : 1, __ATOMIC_RELAXED);
  if (race_ends_process) _exit(64);
  return suppressed || race_is_expected;
}

}  // namespace __tsan

TEST_CASE("there is no data race", "[emulation]") {
  for (unsigned const order : {0U, 1U}) {  // asynchronous copies arrive late, then at once
    cuda_emulation::thread_order = order;
    for (auto const one : parts) one();
  }
  cuda_emulation::thread_order = 0;
  CHECK(races == 0);
}

TEST_CASE("a barrier that is left out is a data race", "[emulation]") {
  watching const with(1);
  auto const all = barriers();
  REQUIRE(all.size() > 8);
  CHECK_FALSE(is_a_race({}, {parts.begin(), parts.end()}));
  for (auto const& [where, meet] : all) {
    CAPTURE(where.first, where.second);
    CHECK(is_a_race(where, meet));
  }
}

TEST_CASE(process_name, "[.]") {
  char const* const numbers = std::getenv("CUDA_EMULATION_PARTS");
  if (numbers == nullptr) return;  // nobody has asked for it
  watching const with(1);
  cuda_emulation::barrier_left_out = {
      std::getenv("CUDA_EMULATION_FILE"),
      static_cast<unsigned>(cuda_emulation::number_from_environment("CUDA_EMULATION_LINE", 0))};
  race_ends_process = true;
  for (unsigned const order : {0U, 1U})
    for (char const number : std::string(numbers)) {
      cuda_emulation::thread_order = order;
      parts.at(static_cast<std::size_t>(number - '0'))();
    }
}

TEST_CASE("blocks that write to the same place are a data race", "[emulation]") {
  int of_all = 0;
  races = 0;
  race_is_expected = true;
  cuda_emulation::run_grid({2, 1, 0, 1}, [&] { of_all = 1; });
  race_is_expected = false;
  CHECK(races > 0);
  CHECK(of_all == 1);
}

#else

TEST_CASE("a barrier that is left out shows", "[emulation]") {
  using namespace cuda_emulation;
  watching const with(1);
  auto const same = [](values const& a, values const& b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [](auto const& c, auto const& d) { return same_bits(c, d); });
  };
  std::map<part, values> right;
  for (auto const one : parts) right[one] = one();
  auto const all = barriers();
  REQUIRE(all.size() > 8);
  for (unsigned const order : {1U, 5U}) {
    thread_order = order;
    for (auto const one : parts) CHECK(same(one(), right[one]));  // the order of the threads does not show
  }
  for (auto const& [where, meet] : all) {
    barrier_left_out = where;
    bool seen = false;
    for (unsigned order = 0; order < 6; ++order)
      for (auto const one : meet) {
        thread_order = order;
        if (!seen) seen = !same(one(), right[one]);
      }
    CAPTURE(where.first, where.second);
    CHECK(seen);
  }
}

#endif
