#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "common/executor.h"
#include "common/mutex.h"

namespace halflife {

// Runs a store's background step, on a thread of its own or on whoever asks, never twice at a time.
// Thread-safe.
class Background {
 public:
  // `step` returns true if more work is ready now.
  explicit Background(std::function<bool()> step) : step_(std::move(step)) {}
  ~Background() { Stop(); }

  void Start(absl::Duration interval);
  // Returns when no step runs on the thread any more. Idempotent.
  void Stop();
  void Wake();

  // Runs `work` on this thread while no step runs.
  void RunAlone(const std::function<void()>& work);
  // Returns after a whole step that began after the call, or after `timeout` of real time. Without
  // a thread, runs that step itself.
  void AwaitStep(absl::Duration timeout);

 private:
  bool RunStep();

  const std::function<bool()> step_;

  Mutex mutex_;
  CondVar changed_;
  bool busy_ ABSL_GUARDED_BY(mutex_) = false;
  uint64_t begun_ ABSL_GUARDED_BY(mutex_) = 0;  // steps
  uint64_t ended_ ABSL_GUARDED_BY(mutex_) = 0;
  std::shared_ptr<PeriodicTask> task_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
