#pragma once

#include <memory>
#include <utility>

#include "common/mutex.h"

namespace halflife {

// The current version of an immutable value. Readers keep the snapshot they got; Publish replaces
// it for later readers. Thread-safe. (A mutex round a pointer copy: libstdc++ 12's
// atomic<shared_ptr> is a lock as well.)
template <typename T>
class Published {
 public:
  explicit Published(std::shared_ptr<const T> initial) : current_(std::move(initial)) {}

  std::shared_ptr<const T> Get() const {
    MutexLock lock(mutex_);
    return current_;
  }

  void Publish(std::shared_ptr<const T> next) {
    MutexLock lock(mutex_);
    current_.swap(next);
  }

 private:
  mutable Mutex mutex_;
  std::shared_ptr<const T> current_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
