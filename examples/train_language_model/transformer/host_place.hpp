// SPDX-License-Identifier: MIT
#pragma once

#include "connection_settings.hpp"
#include "matrix.hpp"

#include <mhc/mhc.hpp>

#include <algorithm>
#include <cstddef>

/// What is made in this translation unit runs on the host.
#define DEMO_PLACE on_host

namespace demo::on_host {

/// Where the streams of a stack lie, and under which policy they are computed.
class place {
 public:
  template <class T>
  using memory = buffer<T>;

  explicit place(connection_settings const& settings) : policy_{mhc::simd.with_threads(settings.threads)} {}

  template <class Kind>
  auto const& policy(Kind const&, std::ptrdiff_t /*tokens*/) {
    return policy_;
  }

  template <class T>
  static void grow(buffer<T>& values, std::ptrdiff_t size) {
    if (signed_size(values) < size) values.resize(unsigned_size(size));
  }
  template <class T>
  static void copy_to_host(T const* from, std::ptrdiff_t count, T* to) {
    std::copy_n(from, count, to);
  }

 private:
  decltype(mhc::simd.with_threads(1)) policy_;
};

}  // namespace demo::on_host
