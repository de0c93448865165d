#pragma once

#include <cstdint>
#include <optional>

#include "absl/time/time.h"
#include "client/src/jitter.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace halflife::client {

// Decides whether a call may try the daemon at all, so that an outage costs a few budgets and not
// one per call. Knows nothing of RPCs: callers ask before, and report after. Time comes from the
// Clock, jitter from the seed. Thread-safe; no call waits.
//
//   closed --`failures` in a row--> open --interval passed, or ProbeSoon()--> one probe
//   probe answered --> closed; probe failed --> open, interval doubled up to `open_max`
class Breaker {
 public:
  struct Options {
    int failures = 3;
    absl::Duration open = absl::Milliseconds(250);
    absl::Duration open_max = absl::Seconds(5);
    uint64_t seed = 0;  // of the jitter: each interval is stretched or cut by up to 20 %
  };

  // Permission for one call, to be reported exactly once.
  struct Pass {
    bool probe = false;
    uint64_t generation = 0;  // reports from before a change of state are ignored
  };

  enum class Verdict { kAnswered, kFailed, kUnknown };

  // Borrows `clock`, which outlives the breaker.
  Breaker(const Options& options, const Clock* clock);

  // nullopt: do not try, it is a miss.
  std::optional<Pass> Admit();
  void Report(const Pass& pass, Verdict verdict);
  // There is new reason for hope (a connection came up, the daemon says that it is ready): the next
  // call is a probe, whatever the interval says.
  void ProbeSoon();

  bool is_open() const;
  uint64_t opens() const;

 private:
  void OpenLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  const Options options_;
  const Clock* const clock_;

  mutable Mutex mutex_;
  bool open_ ABSL_GUARDED_BY(mutex_) = false;
  bool probing_ ABSL_GUARDED_BY(mutex_) = false;
  int failures_in_row_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t generation_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t opens_ ABSL_GUARDED_BY(mutex_) = 0;
  Jitter jitter_ ABSL_GUARDED_BY(mutex_);
  absl::Duration interval_ ABSL_GUARDED_BY(mutex_);
  int64_t probe_at_ns_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife::client
