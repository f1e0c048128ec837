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

/// vjp and jvp against the complex step of the definition.
template <class Case>
void require_derivatives() {
  constexpr int N = Case::n;
  using convention = typename Case::convention;
  for (int const t : {1, 2, 20, 50})
    for (double const sigma : {1., 3.}) {
      CAPTURE(t, sigma, N);
      std::ptrdiff_t const batch = N > 5 ? 1 : 3;
      auto const map = convention::projection(t);
      auto const logits = random_logits<Case>(map, batch, sigma, 2), d = random_logits<Case>(map, batch, 1, 3);
      auto const g = gaussian<double>(batch * N * N, 1, 4);
      auto const definition = convention::definition(t);
      CHECK(relative_error(vjps<Case>(map, logits, g, batch), expected_vjps<N>(definition, logits, g, batch)) <=
            1e-12L);
      CHECK(relative_error(jvps<Case>(map, logits, d, batch), expected_jvps<N>(definition, logits, d, batch)) <=
            1e-12L);
    }
}

}  // namespace mhc::test
