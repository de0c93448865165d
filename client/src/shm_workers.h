#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <memory>

#include "absl/functional/function_ref.h"
#include "absl/time/time.h"
#include "client/src/budget_timer.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/mutex.h"

namespace halflife::client {

// The threads on which payload is copied between shared memory and the caller's, where that is not
// the caller's own: asynchronous calls, and the helpers of a copy that is spread over several
// threads. They are started with the first work. Thread-safe.
class ShmWorkers {
 public:
  // Borrows `timer` and `clock`.
  ShmWorkers(int threads, BudgetTimer* timer, const Clock* clock)
      : threads_(threads), timer_(timer), clock_(clock) {}
  ~ShmWorkers() { Stop(); }

  // Runs `work` soon on a worker, or `late` on the timer's thread if it has not begun within
  // `budget`: one of them, once. `work` is told how long it has waited. False, and neither runs, if
  // too much is waiting or the client is ending.
  bool Submit(absl::Duration budget, std::function<void(absl::Duration waited)> work,
              std::function<void()> late);

  // Calls `each(i)` for all i below `count`, on this thread and on idle workers. Returns when all
  // have returned.
  void ForEach(size_t count, absl::FunctionRef<void(size_t)> each);

  // Returns when nothing that was submitted is waiting or running. Not on a worker.
  void WaitUntilQuiet();
  // Runs what is waiting; nothing is taken any more. Idempotent.
  void Stop();

 private:
  // The pool, started on first use; null after Stop.
  std::shared_ptr<ThreadPool> Pool();

  const int threads_;
  BudgetTimer* const timer_;
  const Clock* const clock_;

  Mutex mutex_;
  CondVar quiet_;
  std::shared_ptr<ThreadPool> pool_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  int jobs_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife::client
