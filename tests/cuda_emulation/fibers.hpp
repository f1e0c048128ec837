// SPDX-License-Identifier: MIT
#pragma once

// The threads of a CUDA block as fibers of one host thread. A fiber runs until it waits at a barrier or a shuffle, so
// a missing barrier shows as an order that a test can choose; waiting for what never comes is an error.
//
// ThreadSanitizer is told of every fiber, and that only a barrier orders them: not the turns that they take here, nor a
// shuffle, which CUDA does not promise to order memory. Every other block of a grid is run by a second host thread then,
// so that blocks are in no order either.

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#if defined(__SANITIZE_ADDRESS__)
#  define CUDA_EMULATION_ASAN 1
#elif defined(__has_feature)
#  if __has_feature(address_sanitizer)
#    define CUDA_EMULATION_ASAN 1
#  endif
#endif
#ifdef CUDA_EMULATION_ASAN
#  include <sanitizer/common_interface_defs.h>
#endif
#if defined(__SANITIZE_THREAD__)
#  define CUDA_EMULATION_TSAN 1
#elif defined(__has_feature)
#  if __has_feature(thread_sanitizer)
#    define CUDA_EMULATION_TSAN 1
#  endif
#endif
#ifdef CUDA_EMULATION_TSAN
#  include <sanitizer/tsan_interface.h>
extern "C" {
void AnnotateIgnoreReadsBegin(char const* file, int line);
void AnnotateIgnoreReadsEnd(char const* file, int line);
void AnnotateIgnoreWritesBegin(char const* file, int line);
void AnnotateIgnoreWritesEnd(char const* file, int line);
void AnnotateIgnoreSyncBegin(char const* file, int line);
void AnnotateIgnoreSyncEnd(char const* file, int line);
}
#endif
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

/// Where a barrier stands in the source.
using place = std::pair<std::string, unsigned>;

/// If watched: the barriers that have been met, and one that is passed over, to see whether its absence shows.
inline bool watch_barriers = false;
inline std::set<place> barriers_met;
inline place barrier_left_out;
inline std::mutex barriers_mutex;  ///< of host threads; ThreadSanitizer shall see no order of fibers in it

/// What the emulation itself does in its scope is none of ThreadSanitizer's business.
struct unwatched {
  unwatched() {
#ifdef CUDA_EMULATION_TSAN
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
#endif
  }
  unwatched(unwatched const&) = delete;
  unwatched& operator=(unwatched const&) = delete;
  ~unwatched() {
#ifdef CUDA_EMULATION_TSAN
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
#endif
  }
};

/// ThreadSanitizer's idea of an order: who passes comes after all that have reached this point.
class meeting_point {
 public:
  void reach() {
#ifdef CUDA_EMULATION_TSAN
    __tsan_release(&here_);
#endif
  }
  void pass() {
#ifdef CUDA_EMULATION_TSAN
    __tsan_acquire(&here_);
#endif
  }

 private:
  [[maybe_unused]] char here_ = 0;
};

[[noreturn]] inline void stop(char const* why) {
  std::fprintf(stderr, "cuda_emulation: %s\n", why);
  std::abort();
}

enum class state { ready, at_barrier, at_shuffle, done };

constexpr std::size_t stack_bytes = 256 * 1024;

/// A copy to shared memory that has begun.
struct copy {
  void* to;
  void const* from;  ///< null for zeros
  std::size_t bytes;
};

/// Something that runs and can be left: a CUDA thread, or the scheduler.
struct fiber {
  extent position;
  unsigned number = 0;
  state now = state::ready;
  unsigned mask = 0;
  int source = 0;
  std::uint64_t sent = 0, received = 0;
  double factors[2][6] = {};  ///< of this and of the last matrix product
  unsigned products = 0, barriers = 0;
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

struct block {
  unsigned count = 0;
  std::unique_ptr<unsigned char, decltype(&std::free)> shared{nullptr, &std::free};
  std::vector<std::unique_ptr<fiber>> fibers;
  fiber scheduler;
  std::function<void()> const* body = nullptr;
  meeting_point begin, barrier[2], end;

  block() = default;
  block(block const&) = delete;
  block& operator=(block const&) = delete;
  ~block() {
#ifdef CUDA_EMULATION_TSAN
    for (auto const& f : fibers) __tsan_destroy_fiber(f->sanitizer_thread);
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

inline void switch_to(fiber& from, fiber& to) {
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

inline void leave(state next) {
  fiber& self = running();
  {
    unwatched const here;
    self.now = next;
  }
  switch_to(self, block_now().scheduler);
}

inline bool passes_over(char const* file, unsigned line) {
  if (!watch_barriers) return false;
  unwatched const here;
#ifdef CUDA_EMULATION_TSAN
  AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
#endif
  place const barrier(file, line);
  bool left_out = false;
  {
    std::lock_guard const lock(barriers_mutex);
    barriers_met.insert(barrier);
    left_out = barrier == barrier_left_out;
  }
#ifdef CUDA_EMULATION_TSAN
  AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
#endif
  return left_out;
}

inline void wait_for_block(char const* file, unsigned line) {
  if (passes_over(file, line)) return;
  auto& barrier = block_now().barrier[running().barriers++ % 2];  // some are at the next one while others leave this
  barrier.reach();
  leave(state::at_barrier);
  barrier.pass();
}

inline std::uint64_t exchange(unsigned mask, std::uint64_t value, int source) {
  unwatched const here;
  fiber& self = running();
  self.mask = mask;
  self.sent = value;
  self.source = source;
  leave(state::at_shuffle);
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

inline void prepare(fiber& f) {
#ifdef CUDA_EMULATION_TSAN
  f.sanitizer_thread = __tsan_create_fiber(0);
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

inline void run_block(block& b) {
  std::vector<unsigned> order(b.count);
  for (unsigned k = 0; k < b.count; ++k) {
    b.fibers[k]->now = state::ready;
    b.fibers[k]->products = b.fibers[k]->barriers = 0;
    b.fibers[k]->copies.assign(1, {});
    order[k] = thread_order == 1 ? b.count - 1 - k : k;
  }
  b.begin.reach();
  std::uint64_t random = 88172645463325252ULL + thread_order;
  unsigned const warps = (b.count + 31) / 32, last = thread_order > 1 ? thread_order % warps : warps;
  auto const draw = [&random] { return random ^= random << 13, random ^= random >> 7, random ^= random << 17; };
  for (unsigned live = b.count; live > 0;) {
    for (unsigned k = b.count; thread_order > 1 && k-- > 1;) std::swap(order[k], order[draw() % (k + 1)]);
    bool progress = false;
    unsigned at_barrier = 0;
    auto const run_warps = [&](auto const& takes_turn) {
      for (unsigned const k : order) {
        fiber& f = *b.fibers[k];
        if (f.now != state::ready || !takes_turn(k / 32)) continue;
        running_pointer() = &f;
        threadIdx = f.position;
        switch_to(b.scheduler, f);
        progress = true;
        live -= f.now == state::done;
      }
    };
    run_warps([&](unsigned warp) { return warp != last; });
    for (unsigned k = 0; k < b.count; ++k) {
      if (b.fibers[k]->now == state::at_shuffle) progress = deliver_shuffle(b, *b.fibers[k]) || progress;
    }
    if (!progress) run_warps([&](unsigned warp) { return warp == last; });
    for (unsigned k = 0; k < b.count; ++k) at_barrier += b.fibers[k]->now == state::at_barrier;
    if (live > 0 && at_barrier == b.count) {
      for (unsigned k = 0; k < b.count; ++k) b.fibers[k]->now = state::ready;
      progress = true;
    }
    if (!progress) stop("deadlock: not every thread of the block comes to this barrier or shuffle");
  }
  b.end.pass();
}

/// The blocks first, first + step, … of a grid.
inline void run_blocks(extent grid, extent threads, std::size_t shared_bytes, std::function<void()> const& body,
                       unsigned first, unsigned step) {
  unwatched const here;
  block& b = block_now();
#ifdef CUDA_EMULATION_TSAN
  b.scheduler.sanitizer_thread = __tsan_get_current_fiber();
#endif
  std::size_t const whole_lines = (shared_bytes + 127) / 128 * 128;
  b.shared.reset(whole_lines == 0 ? nullptr : static_cast<unsigned char*>(std::aligned_alloc(128, whole_lines)));
  if (whole_lines > 0) std::memset(b.shared.get(), 0xff, whole_lines);  // NaN in every format
  blockDim = threads;
  b.count = threads.x * threads.y * threads.z;
  b.body = &body;
  while (b.fibers.size() < b.count) {
    b.fibers.push_back(std::make_unique<fiber>());
    prepare(*b.fibers.back());
  }
  for (unsigned k = 0; k < b.count; ++k) {
    b.fibers[k]->number = k;
    b.fibers[k]->position = {k % threads.x, k / threads.x % threads.y, k / (threads.x * threads.y)};
  }
  gridDim = grid;
  for (unsigned z = 0; z < grid.z; ++z)
    for (unsigned y = 0; y < grid.y; ++y)
      for (unsigned x = first; x < grid.x; x += step) {
        blockIdx = {x, y, z};
        run_block(b);
      }
  running_pointer() = nullptr;
}

inline void run_grid(extent grid, extent threads, std::size_t shared_bytes, std::function<void()> const& body) {
  grid.x = std::min(grid.x, most_blocks);
#ifdef CUDA_EMULATION_TSAN
  if (grid.x > 1) {
    std::thread other([&] { run_blocks(grid, threads, shared_bytes, body, 1, 2); });
    run_blocks(grid, threads, shared_bytes, body, 0, 2);
    other.join();
    return;
  }
#endif
  run_blocks(grid, threads, shared_bytes, body, 0, 1);
}

}  // namespace cuda_emulation
