#include "tests/e2e/torture/gate.h"

#include "common/clock.h"

namespace halflife::e2e {

bool Gate::Pass() {
  MutexLock lock(mutex_);
  ++standing_;
  changed_.NotifyAll();
  while (closed_ && !stopping_) changed_.Wait(mutex_);
  --standing_;
  return !stopping_;
}

void Gate::Rest() {
  MutexLock lock(mutex_);
  if (!stopping_) daemon_is_up_.WaitFor(mutex_, absl::Milliseconds(10));
}

bool Gate::Close(absl::Duration limit) {
  const absl::Duration end = Clock::Real().Now() + limit;
  MutexLock lock(mutex_);
  closed_ = true;
  while (standing_ < workers_) {
    const absl::Duration left = end - Clock::Real().Now();
    if (left <= absl::ZeroDuration()) return false;
    changed_.WaitFor(mutex_, left);
  }
  return true;
}

void Gate::Open() {
  MutexLock lock(mutex_);
  closed_ = false;
  changed_.NotifyAll();
}

void Gate::DaemonIsUp() { daemon_is_up_.NotifyAll(); }

void Gate::Stop() {
  MutexLock lock(mutex_);
  stopping_ = true;
  changed_.NotifyAll();
}

}  // namespace halflife::e2e
