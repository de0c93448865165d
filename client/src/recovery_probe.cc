#include "client/src/recovery_probe.h"

#include <algorithm>
#include <utility>

namespace halflife::client {

RecoveryProbe::RecoveryProbe(const Options& options, Breaker* breaker, const Clock* clock,
                             Outside outside)
    : options_(options),
      breaker_(breaker),
      clock_(clock),
      outside_(std::move(outside)),
      pause_(options.pause),
      jitter_(options.seed) {}

void RecoveryProbe::Wanted() {
  const uint64_t outage = breaker_->opens();
  const int64_t now_ns = clock_->NowNanos();
  absl::Duration delay;
  {
    MutexLock lock(mutex_);
    wanted_at_ns_ = now_ns;
    if (running_) return;
    running_ = true;
    if (outage != std::exchange(outage_, outage)) pause_ = options_.pause;
    delay = pause_ * jitter_.Next();
  }
  outside_.run_after(delay, [this] { Wake(); });
}

void RecoveryProbe::Wake() {
  const bool open = breaker_->is_open();
  const int64_t now_ns = clock_->NowNanos();
  {
    MutexLock lock(mutex_);
    if (!open || absl::Nanoseconds(now_ns - wanted_at_ns_) > options_.idle) {
      running_ = false;
      return;
    }
  }
  outside_.ask([this](Answer answer) { OnAnswer(answer); });
}

void RecoveryProbe::OnAnswer(Answer answer) {
  if (answer == Answer::kReady) breaker_->ProbeSoon();
  absl::Duration delay;
  {
    MutexLock lock(mutex_);
    // After "ready", for the case that the call which is let through now fails.
    if (answer != Answer::kNotReady) pause_ = std::min(2 * pause_, options_.pause_max);
    if (answer == Answer::kReady) {
      running_ = false;
      return;
    }
    delay = pause_ * jitter_.Next();
  }
  outside_.run_after(delay, [this] { Wake(); });
}

}  // namespace halflife::client
