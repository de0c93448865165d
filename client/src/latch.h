#pragma once

#include <optional>
#include <utility>

#include "common/mutex.h"

namespace halflife::client {

// One value that another thread sets and this one waits for: what a blocking call sleeps on. It has
// no time limit of its own, because a call ends within its budget.
template <typename T>
class Latch {
 public:
  void Set(T value) {
    MutexLock lock(mutex_);
    value_ = std::move(value);
    // With the lock held: the waiter destroys the latch as soon as it can see the value.
    set_.NotifyOne();
  }

  T Wait() {
    MutexLock lock(mutex_);
    while (!value_) set_.Wait(mutex_);
    return *std::move(value_);
  }

 private:
  Mutex mutex_;
  CondVar set_;
  std::optional<T> value_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife::client
