// SPDX-License-Identifier: MIT
// What `project` and `project_vjp` of one matrix refuse, before anything is written; what a NaN does.

#include "support/project_matrix.hpp"

#include "support/refusals.hpp"

#include <mhc/projections/entropic.hpp>

using namespace mhc::test;

namespace {

using array = std::vector<double>;

/// The arguments of both operations, cut from one array, in good order until a test spoils one.
struct call {
  static constexpr int n = 5;
  array memory = gaussian<double>(40000);
  mhc::matrix_view<double> logits{memory.data(), n}, plan{memory.data() + 100, n}, g{memory.data() + 200, n},
      out{memory.data() + 300, n};
  std::span<double> workspace{memory.data() + 400, 20000};
  mhc::sinkhorn<> projection{};

  void project() const { mhc::project(mhc::simd, projection, logits, plan, workspace); }
  void project_vjp() const { mhc::project_vjp(mhc::simd, projection, logits, plan, g, out, workspace); }
};

template <class F>
std::string says(F&& spoil, bool vjp) {
  call c;
  auto const before = c.memory;
  spoil(c);
  auto const words = refusal([&] { vjp ? c.project_vjp() : c.project(); });
  CHECK(same_bits(before, c.memory));
  return words;
}

}  // namespace

TEST_CASE("the calls that are spoiled are good ones", "[ops][project_matrix][error]") {
  call c;
  CHECK_NOTHROW(c.project());
  CHECK_NOTHROW(c.project_vjp());
}

TEST_CASE("project of one matrix refuses arguments that do not fit", "[ops][project_matrix][error]") {
  auto const check = [](auto&& spoil, char const* text) { CHECK_THAT(says(spoil, false), contains(text)); };
  check([](call& c) { c.plan.order = 0; }, "mhc::project: plan has order 0, expected at least 1");
  check([](call& c) { c.plan.order = -3; }, "mhc::project: plan has order -3, expected at least 1");
  check([](call& c) { c.logits.order = 4; }, "mhc::project: logits has order 4, expected 5");
  check([](call& c) { c.plan.data = nullptr; }, "mhc::project: plan is null, expected 25 elements");
  check([](call& c) { c.logits.data = nullptr; }, "mhc::project: logits is null, expected 25 elements");
  check([](call& c) { c.plan.data = reinterpret_cast<double*>(reinterpret_cast<std::uintptr_t>(c.plan.data) + 1); },
        "mhc::project: plan is misaligned");
  check([](call& c) { c.plan.data = c.logits.data; }, "mhc::project: plan overlaps logits");
  check([](call& c) { c.workspace = {c.plan.data + 24, 20000}; }, "overlaps");
  check([](call& c) { c.workspace = c.workspace.first(10); }, "mhc::project: workspace has 10 elements, expected");
  check([](call& c) { c.projection.iterations = 0; }, "option: mhc::project: sinkhorn.iterations is 0");
}

TEST_CASE("project_vjp of one matrix refuses arguments that do not fit", "[ops][project_matrix][error]") {
  auto const check = [](auto&& spoil, char const* text) { CHECK_THAT(says(spoil, true), contains(text)); };
  check([](call& c) { c.plan.order = 4; }, "mhc::project_vjp: plan has order 4, expected 5");
  check([](call& c) { c.g.order = 6; }, "mhc::project_vjp: plan_gradient has order 6, expected 5");
  check([](call& c) { c.out.order = 6; }, "mhc::project_vjp: logits_gradient has order 6, expected 5");
  check([](call& c) { c.out.data = nullptr; }, "mhc::project_vjp: logits_gradient is null");
  check([](call& c) { c.out.data = c.g.data; }, "mhc::project_vjp: logits_gradient overlaps plan_gradient");
  check([](call& c) { c.workspace = {c.logits.data + 20, 20000}; }, "overlaps");
  check([](call& c) { c.workspace = {}; }, "mhc::project_vjp: workspace has 0 elements, expected");
}

TEST_CASE("the workspace is as large as it has to be, and no larger", "[ops][project_matrix][error]") {
  for (int n : {1, 16, 17, 257}) {
    auto const square = static_cast<std::ptrdiff_t>(n) * n;
    auto const size = project_workspace_size(mhc::sinkhorn<>{}, n);
    CHECK(size > square);
    CHECK(size <= (n + 15) * (n + 15) + 64 * 6 * (n + 15));
    CHECK(project_vjp_workspace_size(mhc::entropic{}, n) > square);
  }
  CHECK_THAT(refusal([] { project_workspace_size(mhc::entropic{}, 0); }),
             contains("mhc::project_workspace_size: plan has order 0"));
  CHECK_THAT(refusal([] { project_vjp_workspace_size(mhc::entropic{.max_iterations = 0}, 3); }),
             contains("option: mhc::project_vjp_workspace_size: entropic.max_iterations is 0"));
}

TEST_CASE("a NaN or +infinity anywhere makes the matrix NaN", "[ops][project_matrix][nonfinite]") {
  for (double const bad : {not_a_number<double>, infinity<double>})
    for (std::size_t const at : {0u, 7u, 24u}) {
      auto logits = gaussian<double>(25);
      logits[at] = bad;
      CAPTURE(bad, at);
      mhc::matrix_report report{};
      CHECK(all_nan(project_one(mhc::simd, mhc::sinkhorn<>{}, logits, &report)));
      CHECK((std::isnan(report.error) && !report.converged));
      CHECK(all_nan(project_one(mhc::simd, mhc::entropic{}, logits, &report)));
      CHECK((std::isnan(report.error) && !report.converged));
      auto g = gaussian<double>(25);
      auto const clean = gaussian<double>(25);
      auto const plan = project_one(mhc::simd, mhc::sinkhorn<>{}, clean);
      g[at] = bad;
      CHECK(all_nan(project_one_vjp(mhc::simd, mhc::sinkhorn<>{}, clean, plan, g)));
      CHECK(all_nan(project_one_vjp(mhc::simd, mhc::entropic{}, clean, plan, g)));
    }
}

TEST_CASE("an entry of −infinity is an entry that is 0", "[ops][project_matrix]") {
  auto logits = gaussian<double>(36);
  for (std::size_t const at : {1u, 8u, 15u}) logits[at] = -infinity<double>;
  for (auto const& plan : {project_one(mhc::simd, mhc::sinkhorn<>{.iterations = 200}, logits),
                           project_one(mhc::simd, mhc::entropic{}, logits)}) {
    for (std::size_t i = 0; i < 6; ++i) {
      double row = -1, column = -1;
      for (std::size_t j = 0; j < 6; ++j) row += plan[i * 6 + j], column += plan[j * 6 + i];
      CHECK(std::abs(row) <= 1e-14);
      CHECK(std::abs(column) <= 1e-14);
    }
    for (std::size_t const at : {1u, 8u, 15u}) CHECK(plan[at] == 0);
  }
}
