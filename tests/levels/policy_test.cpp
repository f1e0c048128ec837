// SPDX-License-Identifier: MIT
// Which instruction set is in use, and what is refused.

#include "support/levels.hpp"
#include "support/project.hpp"
#include "support/refusals.hpp"

#include <cstring>

using namespace mhc::test;

namespace {

/// A level that no processor has.
struct absent {
  static constexpr char const* name = "absent";
  static bool is_supported() { return false; }
};

}  // namespace

TEST_CASE("a level that the processor lacks is refused before anything runs", "[levels][error]") {
  require_refused([] { static_cast<void>(mhc::cpu::simd_policy<absent, true>{}); },
                  {"option: mhc::cpu::simd_policy: this processor has no absent"});
}

TEST_CASE("every policy says what it runs on", "[levels]") {
  REQUIRE(std::strlen(mhc::cpu::instruction_set(mhc::simd)) > 0);
  REQUIRE(std::strlen(mhc::cpu::instruction_set(mhc::cpu::simd_policy<xsimd::default_arch, false>{})) > 0);
}

#if defined(MHC_LEVELS)

TEMPLATE_TEST_CASE("a policy that names a level keeps it", "[levels]", mhc::cpu::level::avx2, mhc::cpu::level::avx512) {
  MHC_SKIP_WITHOUT(level_policy<TestType>);
  level_policy<TestType> const policy;
  REQUIRE(std::string(mhc::cpu::instruction_set(policy)) == TestType::name);
  REQUIRE(policy.threads == 1);
  REQUIRE(policy.with_threads(3).threads == 3);
  REQUIRE_THROWS_AS(policy.with_threads(-1), mhc::option_error);
}

#endif

#if defined(MHC_DISPATCHES)

TEST_CASE("mhc::simd is the widest level there is, bit for bit", "[levels]") {
  using widest = test_case<mhc::simd_t, float, 4>;
  auto const logits = gaussian<float>(37 * 16, 2);
  auto const plan = project<widest>(paper{}, logits);
  auto const is = [&]<class Level>(Level) {
    REQUIRE(std::string(mhc::cpu::instruction_set(mhc::simd)) == Level::name);
    REQUIRE(same_bits(project<test_case<level_policy<Level>, float, 4>>(paper{}, logits), plan));
  };
  if (mhc::cpu::level::avx512::is_supported())
    is(mhc::cpu::level::avx512{});
  else if (mhc::cpu::level::avx2::is_supported())
    is(mhc::cpu::level::avx2{});
  else
    REQUIRE(std::string(mhc::cpu::instruction_set(mhc::simd)) == xsimd::default_arch::name());
}

#endif
