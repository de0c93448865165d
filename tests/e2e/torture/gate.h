#pragma once

#include "absl/time/time.h"
#include "common/mutex.h"

namespace halflife::e2e {

// Lets the workers of a campaign run, makes them stand still for a quiet look, and ends them.
// Thread-safe.
class Gate {
 public:
  explicit Gate(int workers) : workers_(workers) {}

  // Worker, before each step: waits while the gate is closed. False = end.
  bool Pass();
  // Worker, when there is nobody to talk to: returns when the daemon is said to be up, or soon.
  void Rest();

  // Returns when every worker stands at the gate; false if one does not within `limit`: a call
  // hangs.
  [[nodiscard]] bool Close(absl::Duration limit);
  void Open();
  void DaemonIsUp();
  // Opens it for good: every Pass returns false from now on.
  void Stop();

 private:
  const int workers_;
  Mutex mutex_;
  CondVar changed_;
  CondVar daemon_is_up_;
  int standing_ ABSL_GUARDED_BY(mutex_) = 0;
  bool closed_ ABSL_GUARDED_BY(mutex_) = false;
  bool stopping_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace halflife::e2e
