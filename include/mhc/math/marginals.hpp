// SPDX-License-Identifier: MIT
#pragma once

#include <mhc/core/config.hpp>
#include <mhc/core/error.hpp>
#include <mhc/math/lane.hpp>

#include <limits>
#include <string>

/// @file
/// What the rows and columns of a matrix are to sum to.

MHC_BEGIN_LANES

namespace mhc::math {

/// The marginals of the Birkhoff polytope: constants, which the compiler folds away.
struct unit_marginals {
  template <int>
  static constexpr bool fits = true;

  template <class V>
  MHC_HD static V row(int) {
    return V(1);
  }
  template <class V>
  MHC_HD static V column(int) {
    return V(1);
  }
  template <class V>
  MHC_HD static scalar_of<V> largest() {
    return 1;
  }
  static void validate(char const*, char const*) {}
};

/// Marginals r, c of your own, with the same sum.
template <int N>
struct given_marginals {
  double r[N];
  double c[N];

  template <int M>
  static constexpr bool fits = M == N;

  template <class V>
  MHC_HD V row(int i) const {
    return V(static_cast<scalar_of<V>>(r[i]));
  }
  template <class V>
  MHC_HD V column(int j) const {
    return V(static_cast<scalar_of<V>>(c[j]));
  }
  template <class V>
  MHC_HD scalar_of<V> largest() const {
    double most = c[0];
    MHC_UNROLL for (int j = 1; j < N; ++j) most = c[j] > most ? c[j] : most;
    return static_cast<scalar_of<V>>(most);
  }

  /// @throws mhc::option_error  unless all are positive and finite and both sum to the same, to rounding
  void validate(char const* operation, char const* projection) const {
    auto const refuse = [&](std::string const& what) {
      throw option_error(std::string(operation) + ": " + projection + ".marginals." + what);
    };
    double rows = 0, columns = 0;
    for (int i = 0; i < N; ++i) {
      auto const require_positive = [&](char const* name, double value) {
        if (value > 0 && value <= std::numeric_limits<double>::max()) return;
        refuse(std::string(name) + "[" + std::to_string(i) + "] is " + std::to_string(value) +
               ", expected more than 0");
      };
      require_positive("r", r[i]);
      require_positive("c", c[i]);
      rows += r[i];
      columns += c[i];
    }
    double const difference = rows > columns ? rows - columns : columns - rows;
    if (!(difference <= N * 1e-15 * (rows + columns)))
      refuse("r sums to " + std::to_string(rows) + " and c to " + std::to_string(columns) + ", expected the same");
  }
};

}  // namespace mhc::math

MHC_END_LANES
