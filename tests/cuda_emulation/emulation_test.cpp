// SPDX-License-Identifier: MIT
// Does the emulation see what goes wrong? Every barrier of the library's kernels is left out once, and its absence has
// to show in a result; or, where there is ThreadSanitizer, as a data race.

#include "cuda/support/device.hpp"
#include "cuda_emulation/grid.hpp"
#include "support/kinds.hpp"

#include <mhc/ops/aggregate/aggregate.hpp>
#include <mhc/ops/project/project.hpp>
#include <mhc/projections/permutation.hpp>

#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <vector>

using namespace mhc::test;

namespace {

using values = std::vector<std::vector<float>>;
using kind = kind_case<device_policy, float, 4, mhc_sinkhorn>;
constexpr std::ptrdiff_t channels = 264, tokens = 70, matrices = 700;

values gates() {
  auto const connection = kind::make(channels);
  auto const h =
      run_gates<kind>(true, connection, random_parameters(connection), gaussian<float>(tokens * 4 * channels, 1, 2));
  return {h.pre, h.post, h.res, h.u};
}

values gate_gradients_of_all() {
  auto const connection = kind::make(channels);
  auto const d =
      run_gates_vjp<kind>(true, connection, random_parameters(connection), gaussian<float>(tokens * 4 * channels, 1, 2),
                          random_cotangents(true, connection, tokens));
  return {d.x, d.parameters};
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
constexpr values (*const parts[])() = {gates, gate_gradients_of_all, aggregate_gradients, projections, long_rows};

/// Where barriers stand, and the parts that meet them.
std::map<cuda_emulation::place, std::vector<values (*)()>> barriers() {
  using namespace cuda_emulation;
  std::map<place, std::vector<values (*)()>> all;
  for (auto const part : parts) {
    barriers_met.clear();
    part();
    for (auto const& where : barriers_met) all[where].push_back(part);
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

/// Whether f() races, seen in a process of its own: ThreadSanitizer is blind for a place in memory that it has reported.
template <class F>
bool is_a_race(F const& f) {
  pid_t const child = fork();
  if (child == 0) {
    race_ends_process = true;
    f();
    _exit(1);
  }
  int status = -1;
  return child > 0 && waitpid(child, &status, 0) == child && status == 0;
}

}  // namespace

namespace __tsan {

class ReportDesc;
bool OnReport(ReportDesc const*, bool suppressed);
/// Called by ThreadSanitizer before it reports, with its locks held: nothing in here may be watched. True if it shall not.
__attribute__((disable_sanitizer_instrumentation)) bool OnReport(ReportDesc const*, bool suppressed) {
  __atomic_fetch_add(&races, suppressed ? 0 : 1, __ATOMIC_RELAXED);
  if (race_ends_process) _exit(0);
  return suppressed || race_is_expected;
}

}  // namespace __tsan

TEST_CASE("there is no data race", "[emulation]") {
  for (unsigned const order : {0U, 1U}) {  // asynchronous copies arrive late, then at once
    cuda_emulation::thread_order = order;
    for (auto const part : parts) part();
  }
  cuda_emulation::thread_order = 0;
  CHECK(races == 0);
}

TEST_CASE("a barrier that is left out is a data race", "[emulation]") {
  using namespace cuda_emulation;
  watching const with(1);  // ThreadSanitizer tells 256 threads apart, no more
  auto const all = barriers();
  REQUIRE(all.size() > 8);
  for (auto const& [where, meet] : all) {
    barrier_left_out = where;
    CAPTURE(where.first, where.second);
    CHECK(is_a_race([&parts_of_it = meet] {
      for (unsigned const order : {0U, 1U})
        for (auto const part : parts_of_it) {
          thread_order = order;
          part();
        }
    }));
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
  std::map<values (*)(), values> right;
  for (auto const part : parts) right[part] = part();
  auto const all = barriers();
  REQUIRE(all.size() > 8);
  for (unsigned const order : {1U, 5U}) {
    thread_order = order;
    for (auto const part : parts) CHECK(same(part(), right[part]));  // the order of the threads does not show
  }
  for (auto const& [where, meet] : all) {
    barrier_left_out = where;
    bool seen = false;
    for (unsigned order = 0; order < 6; ++order)
      for (auto const part : meet) {
        thread_order = order;
        if (!seen) seen = !same(part(), right[part]);
      }
    CAPTURE(where.first, where.second);
    CHECK(seen);
  }
}

#endif
