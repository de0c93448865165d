#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>

#include "absl/time/time.h"
#include "common/clock.h"

namespace halflife {

enum class Severity { kDebug, kInfo, kWarning, kError };

// One line of the structured log: `component` is the module ("ssd", "rpc"), `message` a sentence
// with the numbers in it. Log changes of state and refusals, never per block, never payload or
// tokens, at most 4 bytes of a key. Never blocks on a full pipe: lines that cannot be written are
// dropped and counted. Control characters are escaped and a line ends at 4,096 bytes (PIPE_BUF), so
// that lines of several threads or processes never mix. Thread-safe.
void Log(Severity severity, std::string_view component, std::string_view message);

struct LogOptions {
  Severity minimum = Severity::kInfo;
  bool json = false;  // JSON lines {"ts","level","component","msg"} for containers, else text
  int fd = 2;         // borrowed; lines go to it until the next ConfigureLog
};

// Applies to lines logged from now on. Thread-safe.
void ConfigureLog(const LogOptions& options);

// Lines lost because the sink was blocked.
uint64_t DroppedLogLines();

// Lets one line through per interval: `static RateLimit limit(absl::Seconds(1)); if (limit.Pass())
// Log(…)`. Thread-safe.
class RateLimit {
 public:
  explicit RateLimit(absl::Duration interval, const Clock& clock = Clock::Real())
      : interval_ns_(absl::ToInt64Nanoseconds(interval)), clock_(clock) {}

  bool Pass() {
    const int64_t now = clock_.NowNanos();
    int64_t next = next_ns_.load(std::memory_order_relaxed);
    return now >= next &&
           next_ns_.compare_exchange_strong(next, now + interval_ns_, std::memory_order_relaxed);
  }

 private:
  const int64_t interval_ns_;
  const Clock& clock_;
  std::atomic<int64_t> next_ns_{INT64_MIN};
};

}  // namespace halflife
