#pragma once

#include <sys/types.h>

#include <cstdint>
#include <map>

#include "absl/time/time.h"

namespace halflife::e2e {

// How long threads of a process have waited for a CPU since this was made: what a busy machine adds
// to the time that things take, and what a promise about time must not be blamed for. The kernel
// counts it per thread (/proc/<pid>/task/*/schedstat), so nothing is guessed. It is nearly zero on
// a quiet machine, and zero where the kernel does not count.
class CpuWait {
 public:
  // `process` 0: this one.
  explicit CpuWait(pid_t process = 0);

  // Of the calling thread, and of that other thread of this process that waited longest: what can
  // delay a call that needs at most one other thread.
  absl::Duration OwnAndOneOther() const;
  // Of all threads together: what can delay things that go from thread to thread.
  absl::Duration OfAll() const;

 private:
  using ByThread = std::map<pid_t, absl::Duration>;

  ByThread Read() const;  // since each thread began
  // Threads that have ended meanwhile are not in it.
  ByThread Since() const;

  const pid_t process_;
  const ByThread before_;
};

}  // namespace halflife::e2e
