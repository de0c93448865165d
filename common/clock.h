#pragma once

#include <cstdint>

#include "absl/time/time.h"

namespace halflife {

// Monotonic time since an arbitrary start. The only source of time for decisions: wall-clock jumps
// never matter. Thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  // Nanoseconds, never decreasing.
  virtual int64_t NowNanos() const = 0;

  absl::Duration Now() const { return absl::Nanoseconds(NowNanos()); }

  // CLOCK_MONOTONIC of this machine.
  static const Clock& Real();
};

// Seconds since the Unix epoch, for logs and for values that outlive a process. Never for a
// decision.
int64_t WallClockSeconds();

}  // namespace halflife
