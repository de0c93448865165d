#pragma once

#include "common/mutex.h"

namespace halflife {

// Lets many threads ask for a step and one of them at a time take it, without a lock held during
// the step: what a step touches needs no other protection. A request that arrives during a step is
// answered by one more step of the thread that is at it; the asker does not wait. Also safe to call
// from within a step.
class SerialPump {
 public:
  template <typename Step>
  void Run(Step step) {
    if (!Enter()) return;
    do {
      step();
    } while (Again());
  }

 private:
  bool Enter() {
    MutexLock lock(mutex_);
    if (running_) {
      again_ = true;
      return false;
    }
    running_ = true;
    return true;
  }

  bool Again() {
    MutexLock lock(mutex_);
    if (again_) {
      again_ = false;
      return true;
    }
    running_ = false;
    return false;
  }

  Mutex mutex_;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;
  bool again_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace halflife
