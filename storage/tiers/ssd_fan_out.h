#pragma once

#include <cstddef>
#include <functional>

#include "common/executor.h"

namespace halflife {

// Runs the items of one batch on a few threads. The calling thread works too, so a full queue costs
// speed, never progress, and nothing waits for a thread that has not started. Thread-safe.
class SsdFanOut {
 public:
  // `threads` in all that may work on one batch beside the caller; at most `queue_limit` of their
  // tasks wait.
  SsdFanOut(int threads, size_t queue_limit);

  // Calls item(0) … item(count - 1), each once, and returns when all have returned.
  void ForEach(size_t count, const std::function<void(size_t)>& item);

 private:
  const int threads_;
  ThreadPool pool_;
};

}  // namespace halflife
