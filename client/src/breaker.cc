#include "client/src/breaker.h"

#include <algorithm>

namespace halflife::client {

Breaker::Breaker(const Options& options, const Clock* clock)
    : options_(options), clock_(clock), jitter_(options.seed), interval_(options.open) {}

std::optional<Breaker::Pass> Breaker::Admit() {
  const int64_t now_ns = clock_->NowNanos();
  MutexLock lock(mutex_);
  if (!open_) return Pass{.probe = false, .generation = generation_};
  if (probing_ || now_ns < probe_at_ns_) return std::nullopt;
  probing_ = true;
  return Pass{.probe = true, .generation = generation_};
}

void Breaker::Report(const Pass& pass, Verdict verdict) {
  MutexLock lock(mutex_);
  if (pass.generation != generation_) return;
  if (pass.probe) probing_ = false;
  switch (verdict) {
    case Verdict::kUnknown:
      return;
    case Verdict::kAnswered:
      failures_in_row_ = 0;
      if (!open_) return;
      open_ = false;
      interval_ = options_.open;
      ++generation_;
      return;
    case Verdict::kFailed:
      if (open_) {
        interval_ = std::min(2 * interval_, options_.open_max);
        OpenLocked();
      } else if (++failures_in_row_ >= options_.failures) {
        OpenLocked();
      }
      return;
  }
}

void Breaker::ProbeSoon() {
  MutexLock lock(mutex_);
  probe_at_ns_ = 0;
}

bool Breaker::is_open() const {
  MutexLock lock(mutex_);
  return open_;
}

uint64_t Breaker::opens() const {
  MutexLock lock(mutex_);
  return opens_;
}

void Breaker::OpenLocked() {
  opens_ += open_ ? 0 : 1;
  open_ = true;
  failures_in_row_ = 0;
  ++generation_;
  const absl::Duration wait = interval_ * jitter_.Next();
  probe_at_ns_ = clock_->NowNanos() + absl::ToInt64Nanoseconds(wait);
}

}  // namespace halflife::client
