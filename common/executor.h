#pragma once

#include <deque>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "common/mutex.h"

namespace halflife {

// Runs closures elsewhere, in no promised order. The only place where the project starts threads,
// besides gRPC's and RocksDB's own. Tests use ManualExecutor (tests/fakes). Thread-safe.
class Executor {
 public:
  virtual ~Executor() = default;

  // Queues `task`. Returns false, without keeping the task, when the queue is full or the executor
  // is stopping: the caller answers "busy", it does not wait.
  [[nodiscard]] virtual bool Submit(std::function<void()> task) = 0;
};

// A fixed number of threads over one bounded queue.
class ThreadPool final : public Executor {
 public:
  struct Options {
    std::string name = "hl-pool";  // of the threads, at most 15 characters
    int threads = 2;
    size_t queue_limit = 1024;  // tasks waiting, beyond which Submit refuses
  };

  explicit ThreadPool(Options options);
  // Stops; tasks that have not started are dropped.
  ~ThreadPool() override;

  bool Submit(std::function<void()> task) override;

  // No further task is accepted; those queued are run; returns when all threads have ended.
  // Idempotent.
  void Drain();

 private:
  void RunTasks();

  const Options options_;
  std::vector<std::thread> threads_;

  Mutex mutex_;
  CondVar wake_;
  std::deque<std::function<void()>> queue_ ABSL_GUARDED_BY(mutex_);
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

// One thread that calls `step` again and again: at once when woken or when a step reports more
// work, else after `interval`. The home of background work (eviction, demotion, sweeps).
class PeriodicTask {
 public:
  // `step` returns true if more work is ready now. It must be short (a bounded Step), so that Stop
  // is prompt.
  PeriodicTask(std::string name, absl::Duration interval, std::function<bool()> step);
  ~PeriodicTask();

  void Wake();
  // Returns after the running step has ended. Idempotent.
  void Stop();

 private:
  void Run();

  const absl::Duration interval_;
  const std::function<bool()> step_;
  Mutex mutex_;
  CondVar wake_;
  bool woken_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
  std::thread thread_;
};

}  // namespace halflife
