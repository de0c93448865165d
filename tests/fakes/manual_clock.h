#pragma once

#include <atomic>

#include "absl/time/time.h"
#include "common/clock.h"

namespace halflife {

// Time that stands still until a test moves it. Thread-safe.
class ManualClock final : public Clock {
 public:
  // Starts at one hour, so that "an hour ago" is not negative.
  explicit ManualClock(absl::Duration start = absl::Hours(1))
      : now_ns_(absl::ToInt64Nanoseconds(start)) {}

  int64_t NowNanos() const override { return now_ns_.load(std::memory_order_relaxed); }

  void Advance(absl::Duration by) {
    now_ns_.fetch_add(absl::ToInt64Nanoseconds(by), std::memory_order_relaxed);
  }

 private:
  std::atomic<int64_t> now_ns_;
};

}  // namespace halflife
