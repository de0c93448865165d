#pragma once

#include "absl/time/time.h"
#include "common/file_descriptor.h"

namespace halflife {

// Signals as events for the main thread. Make it before any other thread starts, so that all
// threads inherit the blocked signals. One at a time in a process; not thread-safe but for
// RequestStop.
class SignalWatch {
 public:
  enum class Event {
    kNone,      // the time is over
    kStop,      // SIGTERM, SIGINT or RequestStop
    kReload,    // SIGHUP
    kDescribe,  // SIGUSR1
  };

  SignalWatch();

  // Waits for the next event, at most `timeout`.
  Event Wait(absl::Duration timeout = absl::InfiniteDuration());

  // Makes Wait return kStop, from any thread.
  void RequestStop();

  // From now on SIGTERM or SIGINT ends the process at once with `exit_code`. What the daemon stores
  // is consistent at every instant, so nothing is lost but time.
  void ExitOnNextStop(int exit_code);

 private:
  FileDescriptor signals_;
  FileDescriptor requests_;
};

}  // namespace halflife
