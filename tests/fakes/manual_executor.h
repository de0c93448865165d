#pragma once

#include <deque>
#include <functional>

#include "common/executor.h"
#include "common/mutex.h"

namespace halflife {

// Keeps tasks until a test runs them, on the test's own thread. Thread-safe.
class ManualExecutor final : public Executor {
 public:
  explicit ManualExecutor(size_t queue_limit = 1024) : queue_limit_(queue_limit) {}

  bool Submit(std::function<void()> task) override {
    MutexLock lock(mutex_);
    if (tasks_.size() >= queue_limit_) return false;
    tasks_.push_back(std::move(task));
    return true;
  }

  // Runs the oldest task; false if there is none.
  bool RunOne() {
    std::function<void()> task;
    {
      MutexLock lock(mutex_);
      if (tasks_.empty()) return false;
      task = std::move(tasks_.front());
      tasks_.pop_front();
    }
    task();
    return true;
  }

  // Runs until none is left, also those that were submitted meanwhile. Returns how many ran.
  size_t RunAll() {
    size_t count = 0;
    while (RunOne()) ++count;
    return count;
  }

  size_t waiting() const {
    MutexLock lock(mutex_);
    return tasks_.size();
  }

 private:
  const size_t queue_limit_;
  mutable Mutex mutex_;
  std::deque<std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
