// SPDX-License-Identifier: MIT
#pragma once

// The threads of a CUDA block as fibers of one host thread. A fiber runs until it waits at a barrier or a shuffle, so
// a missing barrier shows as an order that a test can choose; waiting for what never comes is an error.

#include "cuda_emulation/sanitizers.hpp"
#include "cuda_emulation/watch.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#if !defined(__x86_64__)
#  include <ucontext.h>
#endif

namespace cuda_emulation {

struct extent {
  unsigned x, y, z;
  constexpr extent(unsigned a = 1, unsigned b = 1, unsigned c = 1) : x(a), y(b), z(c) {}
};

inline unsigned long number_from_environment(char const* name, unsigned long otherwise) {
  char const* const value = std::getenv(name);
  return value == nullptr ? otherwise : std::strtoul(value, nullptr, 10);
}

/// What a thread knows of itself, set whenever it is switched to.
inline thread_local extent threadIdx, blockIdx, blockDim, gridDim;

/// In which order the threads of a block take turns: 0 forward, 1 backward, else drawn with this seed, where one warp
/// waits until no other can go on, so that the others run far ahead of it.
inline unsigned thread_order = static_cast<unsigned>(number_from_environment("CUDA_EMULATION_ORDER", 0));

/// No grid has more blocks than this: a kernel that takes further turns takes them.
inline unsigned most_blocks = static_cast<unsigned>(number_from_environment("CUDA_EMULATION_BLOCKS", 0xffffffff));

[[noreturn]] inline void stop(char const* why) {
  std::fprintf(stderr, "cuda_emulation: %s\n", why);
  std::abort();
}

enum class state { ready, at_barrier, at_cluster_barrier, at_shuffle, done };

constexpr std::size_t stack_bytes = 256 * 1024;
constexpr unsigned most_ranks = 8;

/// A copy to shared memory that has begun.
struct copy {
  void* to;
  void const* from;  ///< null for zeros
  std::size_t bytes;
};

/// Something that runs and can be left: a CUDA thread, or the scheduler.
struct fiber {
  extent position, block;
  unsigned number = 0;  ///< in the cluster
  unsigned rank = 0;    ///< of its block there
  state now = state::ready;
  unsigned mask = 0;
  int source = 0;
  std::uint64_t sent = 0, received = 0;
  double factors[2][12] = {};               ///< of this and of the last matrix product
  unsigned char const* matrix_row[2] = {};  ///< in place of them, where matrices are loaded
  unsigned products = 0, barriers = 0, cluster_barriers = 0;
  bool arrived = false;                   ///< at the next barrier of the cluster
  std::vector<std::vector<copy>> copies;  ///< groups that have not arrived; the last is not committed

  void* stack_pointer = nullptr;
  std::unique_ptr<char[]> stack;
  void* fake_stack = nullptr;
  void* sanitizer_thread = nullptr;
  void const* stack_bottom = nullptr;
  std::size_t stack_size = stack_bytes;
#if !defined(__x86_64__)
  ucontext_t context;
#endif
};

/// The blocks of a cluster, most often one: what runs at the same time.
struct block {
  unsigned count = 0, ranks = 1;  ///< threads, and blocks that have as many of them each
  std::size_t shared_bytes = 0;   ///< of a block
  std::unique_ptr<unsigned char, decltype(&std::free)> shared{nullptr, &std::free};
  std::vector<std::unique_ptr<fiber>> fibers;
  std::vector<unsigned> order;  ///< in which they take turns
  unsigned turn = 0;            ///< the next of them
  unsigned last_warp = 0;       ///< its turns come when no other can go on
  bool only_last = false;       ///< as now
  unsigned live = 0;            ///< threads that have not ended
  fiber scheduler;
  std::function<void()> const* body = nullptr;
  meeting_point begin, end, cluster_barrier[2], barrier[most_ranks][2];

  block() = default;
  block(block const&) = delete;
  block& operator=(block const&) = delete;
  ~block() {
#ifdef CUDA_EMULATION_TSAN
    for (std::size_t k = 0; k < fibers.size(); k += 32) __tsan_destroy_fiber(fibers[k]->sanitizer_thread);
#endif
  }
};

inline block& block_now() {
  static thread_local block b;
  return b;
}
inline fiber*& running_pointer() {
  static thread_local fiber* f = nullptr;
  return f;
}
inline fiber& running() { return *running_pointer(); }

#if defined(__x86_64__)
extern "C" void cuda_emulation_switch(void** from, void* to);
asm(R"(.text
.weak cuda_emulation_switch
.type cuda_emulation_switch,@function
cuda_emulation_switch:
  pushq %rbp; pushq %rbx; pushq %r12; pushq %r13; pushq %r14; pushq %r15
  movq %rsp,(%rdi); movq %rsi,%rsp
  popq %r15; popq %r14; popq %r13; popq %r12; popq %rbx; popq %rbp
  ret
.size cuda_emulation_switch,.-cuda_emulation_switch
)");
#endif

inline void arrived([[maybe_unused]] void* fake_stack) {
#ifdef CUDA_EMULATION_ASAN
  void const* bottom = nullptr;
  std::size_t size = 0;
  __sanitizer_finish_switch_fiber(fake_stack, &bottom, &size);
  auto& scheduler = block_now().scheduler;
  if (running_pointer() != nullptr && scheduler.stack_bottom == nullptr) {
    scheduler.stack_bottom = bottom;
    scheduler.stack_size = size;
  }
#endif
}

CUDA_EMULATION_UNWATCHED inline void switch_to(fiber& from, fiber& to) {
#ifdef CUDA_EMULATION_ASAN
  __sanitizer_start_switch_fiber(&from.fake_stack, to.stack_bottom, to.stack_size);
#endif
#ifdef CUDA_EMULATION_TSAN
  __tsan_switch_to_fiber(to.sanitizer_thread, __tsan_switch_to_fiber_no_sync);
#endif
#if defined(__x86_64__)
  cuda_emulation_switch(&from.stack_pointer, to.stack_pointer);
#else
  swapcontext(&from.context, &to.context);
#endif
  arrived(from.fake_stack);
}

/// The next thread that can go on, which now is the one that runs; null: all have had their turn.
inline fiber* next_turn(block& b) {
  while (b.turn < b.count) {
    fiber& f = *b.fibers[b.order[b.turn++]];
    if (f.now != state::ready || (f.number / 32 == b.last_warp) != b.only_last) continue;
    running_pointer() = &f;
    threadIdx = f.position;
    blockIdx = f.block;
    return &f;
  }
  return nullptr;
}

/// To the next thread, or to the scheduler.
inline void leave(state next) {
  fiber& self = running();
  fiber* to = nullptr;
  {
    unwatched const here;
    block& b = block_now();
    self.now = next;
    b.live -= next == state::done;
    to = next_turn(b);
    if (to == nullptr) to = &b.scheduler;
  }
  switch_to(self, *to);
}

inline void wait_for_block(char const* file, unsigned line) {
  if (passes_over(file, line)) return;
  fiber& self = running();
  auto& barrier =
      block_now().barrier[self.rank][self.barriers++ % 2];  // some reach the next while others leave this one
  barrier.reach();
  leave(state::at_barrier);
  barrier.pass();
}

inline void cluster_arrive() {
  fiber& self = running();
  if (self.arrived) stop("a thread arrives twice at a barrier of its cluster");
  self.arrived = true;
  block_now().cluster_barrier[self.cluster_barriers % 2].reach();
}
/// Later than it might be: when all threads of the cluster wait.
inline void cluster_wait(char const* file = __builtin_FILE(), unsigned line = __builtin_LINE()) {
  fiber& self = running();
  if (!self.arrived) stop("a thread waits at a barrier of its cluster where it has not arrived");
  self.arrived = false;
  auto& barrier = block_now().cluster_barrier[self.cluster_barriers++ % 2];
  if (passes_over(file, line)) return;
  leave(state::at_cluster_barrier);
  barrier.pass();
}

inline unsigned char* dynamic_shared_memory() {
  block& b = block_now();
  return b.shared.get() + running().rank * b.shared_bytes;
}
/// What another block of the cluster has where `mine` is in this one's shared memory.
template <class T>
T of_rank(T const* mine, int rank) {
  block& b = block_now();
  auto const at = reinterpret_cast<unsigned char const*>(mine) - dynamic_shared_memory();
  if (at < 0 || static_cast<std::size_t>(at) >= b.shared_bytes) stop("an address that is not in shared memory");
  return *reinterpret_cast<T const*>(b.shared.get() + static_cast<std::size_t>(rank) * b.shared_bytes + at);
}

inline std::uint64_t exchange(unsigned mask, std::uint64_t value, int source) {
  fiber& self = running();
  {
    unwatched const here;
    self.mask = mask;
    self.sent = value;
    self.source = source;
  }
  leave(state::at_shuffle);
  unwatched const here;
  return self.received;
}

inline void fiber_main() {
  arrived(nullptr);
  for (;;) {
    block& b = block_now();
    b.begin.pass();
    (*b.body)();
    b.end.reach();
    leave(state::done);
  }
}

/// Before it runs first; `before` are those of smaller numbers.
inline void prepare(fiber& f, [[maybe_unused]] std::vector<std::unique_ptr<fiber>> const& before) {
#ifdef CUDA_EMULATION_TSAN
  f.sanitizer_thread = before.size() % 32 == 0 ? __tsan_create_fiber(0) : before.back()->sanitizer_thread;
#endif
  f.stack.reset(new char[stack_bytes]);
  f.stack_bottom = f.stack.get();
#if defined(__x86_64__)
  auto const top = (reinterpret_cast<std::uintptr_t>(f.stack.get()) + stack_bytes) / 64 * 64 - 64;
  auto* at = reinterpret_cast<void**>(top);
  *--at = nullptr;  // where fiber_main would return to
  *--at = reinterpret_cast<void*>(&fiber_main);
  for (int k = 0; k < 6; ++k) *--at = nullptr;
  f.stack_pointer = at;
#else
  getcontext(&f.context);
  f.context.uc_stack.ss_sp = f.stack.get();
  f.context.uc_stack.ss_size = stack_bytes;
  f.context.uc_link = nullptr;
  makecontext(&f.context, &fiber_main, 0);
#endif
}

}  // namespace cuda_emulation
