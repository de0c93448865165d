#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "common/clock.h"
#include "common/mutex.h"

namespace halflife::client {

// Runs tasks at points in time, on the one thread that is inside Run(). It cuts calls at their
// budget: gRPC's own deadline was seen to fire 80 ms late when packets are dropped silently
// (gRPC 1.51). Tasks must be short. Thread-safe.
//
// A task wakes the thread only if it is due before the time until which the thread sleeps anyway.
// So calls that follow one another, each cancelled long before its budget is over, cost one wake-up
// per budget and not one per call.
class BudgetTimer {
 public:
  // When a task is due, and a number that tells tasks of one instant apart.
  using Key = std::pair<int64_t, uint64_t>;

  // Borrows `clock`, whose nanoseconds must pass like real ones.
  explicit BudgetTimer(const Clock* clock) : clock_(clock) {}

  // Two steps, so that the owner can remember the key before the task can run.
  Key NewKey(int64_t due_ns);
  void Add(const Key& key, std::function<void()> task);
  // The task does not run if it has not begun.
  void Cancel(const Key& key);
  // Runs `task` on the timer's thread as soon as possible.
  void Post(std::function<void()> task);

  // Thread body: returns after Stop(). Tasks that are not due by then are dropped.
  void Run();
  void Stop();

 private:
  const Clock* const clock_;

  Mutex mutex_;
  CondVar wake_;
  std::map<Key, std::function<void()>> tasks_ ABSL_GUARDED_BY(mutex_);
  uint64_t next_number_ ABSL_GUARDED_BY(mutex_) = 0;
  // Until when the thread sleeps unless it is woken. It starts by looking at what there is.
  int64_t sleeps_until_ns_ ABSL_GUARDED_BY(mutex_) = INT64_MIN;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace halflife::client
