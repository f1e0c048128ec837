// SPDX-License-Identifier: MIT
#pragma once

// ThreadSanitizer is told of every warp, as of one thread, and that only a barrier orders them, not the turns that they take
// here. (It tells 255 threads apart, and a cluster has 2048.) Every other block of a grid is run by a second host thread
// then, so that blocks are in no order either.

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
namespace cuda_emulation {

/// What the emulation itself does in its scope is none of ThreadSanitizer's business. No fiber is left in it: others of its
/// warp would go on unwatched.
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

/// On a function that looks at what other threads own and leaves, so that it cannot be unwatched otherwise.
#ifdef CUDA_EMULATION_TSAN
#  define CUDA_EMULATION_UNWATCHED __attribute__((no_sanitize_thread))
#else
#  define CUDA_EMULATION_UNWATCHED
#endif

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

}  // namespace cuda_emulation
