// SPDX-License-Identifier: MIT
// The same operations under mhc::simd on all cores: one set of arrays, the median of what a twentieth of a second allows.

#include "cases.hpp"
#include "operations.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <new>
#include <vector>

namespace mhc::bench {

namespace {

/// Memory with random numbers, first touched by the threads that will use it.
class host_memory {
 public:
  template <class E>
  E* operator()(std::ptrdiff_t count, double scale) {
    auto const bytes = (static_cast<std::size_t>(count) * sizeof(E) + 4095) / 4096 * 4096 + 4096;
    arrays_.emplace_back(static_cast<std::byte*>(std::aligned_alloc(4096, bytes)));
    if (arrays_.back() == nullptr) throw std::bad_alloc();
    auto* const at = reinterpret_cast<E*>(arrays_.back().get());
#ifdef _OPENMP
#  pragma omp parallel for schedule(static)
#endif
    for (std::ptrdiff_t k = 0; k < count; ++k) {
      auto h = static_cast<unsigned>(k) * 2654435761U;
      h ^= h >> 15U, h *= 2246822519U, h ^= h >> 13U;
      at[k] = static_cast<E>(static_cast<float>(scale * (h * (3.46 / 4294967296.0) - 1.73)));  // uniform
    }
    return at;
  }

 private:
  struct release {
    void operator()(std::byte* p) const { std::free(p); }
  };
  std::vector<std::unique_ptr<std::byte, release>> arrays_;
};

template <class Work>
result timed(char const* name, double bytes, Work const& work) {
  using clock = std::chrono::steady_clock;
  std::vector<double> times;
  work();
  for (auto const start = clock::now(); times.size() < 2 || clock::now() - start < std::chrono::milliseconds(50);) {
    auto const begin = clock::now();
    work();
    times.push_back(std::chrono::duration<double, std::micro>(clock::now() - begin).count());
  }
  std::sort(times.begin(), times.end());
  return {name, bytes, times[times.size() / 2], times[times.size() * 3 / 4] - times[times.size() / 4]};
}

}  // namespace

template <class S>
void time_tokens_on_host(std::ptrdiff_t tokens, std::ptrdiff_t channels, report const& say) {
  host_memory memory;
  token_arrays<S> const arrays(tokens, channels, [&]<class E>(std::ptrdiff_t count, double scale) {
    return memory.template operator()<E>(count, scale);
  });
  for_each_token_operation<S>(tokens, channels, [&](char const* name, double bytes, auto const& run) {
    say(timed(name, bytes, [&] { run(simd.with_threads(0), arrays); }));
  });
}
template void time_tokens_on_host<float>(std::ptrdiff_t, std::ptrdiff_t, report const&);
template void time_tokens_on_host<bfloat16>(std::ptrdiff_t, std::ptrdiff_t, report const&);
template void time_tokens_on_host<half>(std::ptrdiff_t, std::ptrdiff_t, report const&);

void time_projections_on_host(std::ptrdiff_t matrices, report const& say) {
  host_memory memory;
  matrix_arrays const arrays(matrices, [&]<class E>(std::ptrdiff_t count, double scale) {
    return memory.template operator()<E>(count, scale);
  });
  for_each_projection(matrices, [&](char const* name, double bytes, auto const& run) {
    say(timed(name, bytes, [&] { run(simd.with_threads(0), arrays); }));
  });
}

}  // namespace mhc::bench
