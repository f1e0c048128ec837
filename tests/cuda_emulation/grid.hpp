// SPDX-License-Identifier: MIT
#pragma once

// Block after block of a grid, or cluster after cluster: whose turn it is.

#include "cuda_emulation/fibers.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <utility>

namespace cuda_emulation {

/// Of the device, as in sm_90: the first with clusters.
inline int generation = static_cast<int>(number_from_environment("CUDA_EMULATION_GENERATION", 90));

/// The most that one of its blocks can have.
inline int shared_memory = 1024 * static_cast<int>(number_from_environment("CUDA_EMULATION_SHARED_KIB", 227));

/// Lets a warp go on whose threads of one mask all wait with it.
inline bool deliver_shuffle(block& b, fiber const& waiting) {
  unsigned const first = waiting.number / 32 * 32, mask = waiting.mask;
  auto const named = [&](unsigned lane) { return first + lane < b.count && (mask >> lane & 1U) != 0; };
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (!named(lane)) continue;
    fiber const& f = *b.fibers[first + lane];
    if (f.now == state::done) stop("a shuffle names a thread that has ended");
    if (f.now != state::at_shuffle || f.mask != mask) return false;
  }
  for (unsigned lane = 0; lane < 32; ++lane) {
    if (!named(lane)) continue;
    fiber& f = *b.fibers[first + lane];
    unsigned const from = first + static_cast<unsigned>(f.source & 31);
    if (from >= b.count || !named(from - first)) stop("a shuffle reads from a thread that its mask does not name");
    f.received = b.fibers[from]->sent;
  }
  for (unsigned lane = 0; lane < 32; ++lane)
    if (named(lane)) b.fibers[first + lane]->now = state::ready;
  return true;
}

/// Lets the threads of a block go on which all wait for each other, and those of the cluster.
inline bool open_barriers(block& b) {
  bool progress = false;
  unsigned const threads = b.count / b.ranks;
  auto const open = [&](unsigned first, unsigned count, state where) {
    auto const begin = b.fibers.begin() + first, end = begin + count;
    if (!std::all_of(begin, end, [&](auto const& f) { return f->now == where; })) return;
    std::for_each(begin, end, [](auto const& f) { f->now = state::ready; });
    progress = true;
  };
  for (unsigned r = 0; r < b.ranks; ++r) open(r * threads, threads, state::at_barrier);
  open(0, b.count, state::at_cluster_barrier);
  return progress;
}

/// Turns of all that can go on but the last warp, or of that alone; whether there were any.
inline bool take_turns(block& b, bool only_last) {
  b.turn = 0;
  b.only_last = only_last;
  fiber* const first = next_turn(b);
  if (first != nullptr) switch_to(b.scheduler, *first);
  return first != nullptr;
}

inline void run_block(block& b) {
  b.order.resize(b.count);
  for (unsigned k = 0; k < b.count; ++k) {
    b.fibers[k]->now = state::ready;
    b.fibers[k]->products = b.fibers[k]->barriers = b.fibers[k]->cluster_barriers = 0;
    b.fibers[k]->arrived = false;
    b.fibers[k]->copies.assign(1, {});
    b.order[k] = thread_order == 1 ? b.count - 1 - k : k;
  }
  b.begin.reach();
  std::uint64_t random = 88172645463325252ULL + thread_order;
  unsigned const warps = (b.count + 31) / 32;
  b.last_warp = thread_order > 1 ? thread_order % warps : warps;
  auto const draw = [&random] { return random ^= random << 13, random ^= random >> 7, random ^= random << 17; };
  for (b.live = b.count; b.live > 0;) {
    for (unsigned k = b.count; thread_order > 1 && k-- > 1;) std::swap(b.order[k], b.order[draw() % (k + 1)]);
    bool progress = take_turns(b, false);
    for (unsigned k = 0; k < b.count; ++k) {
      if (b.fibers[k]->now == state::at_shuffle) progress = deliver_shuffle(b, *b.fibers[k]) || progress;
    }
    if (!progress) progress = take_turns(b, true);
    progress = open_barriers(b) || progress;
    if (b.live > 0 && !progress) stop("deadlock: not every thread of the block comes to this barrier or shuffle");
  }
  b.end.pass();
}

/// What a launch says of a kernel.
struct launch {
  extent grid, threads;
  std::size_t shared_bytes;
  unsigned cluster;
};

inline void prepare(block& b, launch const& how) {
  unsigned const threads = how.threads.x * how.threads.y * how.threads.z;
  b.count = threads * how.cluster;
  b.ranks = how.cluster;
  b.shared_bytes = (how.shared_bytes + 127) / 128 * 128;
  std::size_t const all = b.shared_bytes * b.ranks;
  b.shared.reset(all == 0 ? nullptr : static_cast<unsigned char*>(std::aligned_alloc(128, all)));
  if (all > 0) std::memset(b.shared.get(), 0xff, all);  // NaN in every format
  while (b.fibers.size() < b.count) {
    auto one = std::make_unique<fiber>();
    prepare(*one, b.fibers);
    b.fibers.push_back(std::move(one));
  }
  for (unsigned k = 0; k < b.count; ++k) {
    unsigned const in_block = k % threads;
    b.fibers[k]->number = k;
    b.fibers[k]->rank = k / threads;
    b.fibers[k]->position = {in_block % how.threads.x, in_block / how.threads.x % how.threads.y,
                             in_block / (how.threads.x * how.threads.y)};
  }
}

/// The clusters first, first + step, … of a grid.
inline void run_blocks(launch const& how, std::function<void()> const& body, unsigned first, unsigned step) {
  unwatched const here;
  block& b = block_now();
#ifdef CUDA_EMULATION_TSAN
  b.scheduler.sanitizer_thread = __tsan_get_current_fiber();
#endif
  b.body = &body;
  prepare(b, how);
  blockDim = how.threads;
  gridDim = how.grid;
  for (unsigned z = 0; z < how.grid.z; ++z)
    for (unsigned y = 0; y < how.grid.y; ++y)
      for (unsigned x = first * how.cluster; x < how.grid.x; x += step * how.cluster) {
        for (unsigned k = 0; k < b.count; ++k) b.fibers[k]->block = {x + b.fibers[k]->rank, y, z};
        run_block(b);
      }
  running_pointer() = nullptr;
}

inline void run_grid(launch how, std::function<void()> const& body) {
  if (how.cluster > most_ranks || how.grid.x % how.cluster != 0) stop("a grid that is not made of clusters");
  how.grid.x = std::max(how.cluster, std::min(how.grid.x, most_blocks) / how.cluster * how.cluster);
#ifdef CUDA_EMULATION_TSAN
  if (how.grid.x > how.cluster) {
    std::thread other([&] { run_blocks(how, body, 1, 2); });
    run_blocks(how, body, 0, 2);
    other.join();
    return;
  }
#endif
  run_blocks(how, body, 0, 1);
}

}  // namespace cuda_emulation
