// SPDX-License-Identifier: MIT
#pragma once

// Every convention beside its definition.

#include "support/convention_reference.hpp"
#include "support/families.hpp"

#include <mhc/projections/sinkhorn.hpp>

#include <tuple>

namespace mhc::test {

/// `epsilon` is large enough to show in every digit; 1e-6, as published, would hide in the tolerance.
struct paper_convention {
  static constexpr bool is_sum = true;  ///< lines are divided by their sums, so that the iteration has a limit
  static auto projection(int t, gradient g = gradient::unrolled) {
    return sinkhorn<convention::paper>{.iterations = t, .gradient = g};
  }
  static auto definition(int t) { return reference::paper{t}; }
};
struct deepseek_convention {
  static constexpr bool is_sum = false;
  static auto projection(int t, gradient g = gradient::unrolled) {
    return sinkhorn<convention::deepseek_v4>{.iterations = t, .gradient = g, .convention = {.epsilon = 0.015625}};
  }
  static auto definition(int t) { return reference::deepseek_v4{t, 0.015625L}; }
};
struct megatron_convention {
  static constexpr bool is_sum = false;
  static auto projection(int t, gradient g = gradient::unrolled) {
    return sinkhorn<convention::megatron>{.iterations = t, .gradient = g, .convention = {.epsilon = 0.25}};
  }
  static auto definition(int t) { return reference::megatron{t, 0.25L}; }
};
struct log_convention {
  static constexpr bool is_sum = true;
  static auto projection(int t, gradient g = gradient::unrolled) {
    return sinkhorn<convention::log_domain>{.iterations = t, .gradient = g, .convention = {.temperature = 1.5}};
  }
  static auto definition(int t) { return reference::log_domain{t, 1.5L}; }
};

template <class Convention, class P, class T, int N>
struct convention_case : test_case<P, T, N> {
  using convention = Convention;
};

template <class P, class T, int... Ns>
using each_convention = joined<std::tuple<convention_case<paper_convention, P, T, Ns>...>,
                               std::tuple<convention_case<deepseek_convention, P, T, Ns>...>,
                               std::tuple<convention_case<megatron_convention, P, T, Ns>...>,
                               std::tuple<convention_case<log_convention, P, T, Ns>...>>;

}  // namespace mhc::test
