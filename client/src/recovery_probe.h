#pragma once

#include <cstdint>
#include <functional>

#include "absl/time/time.h"
#include "client/src/breaker.h"
#include "client/src/jitter.h"
#include "common/clock.h"
#include "common/mutex.h"

namespace halflife::client {

// Finds out in the background that a daemon is well again, so that calls need not wait out the
// breaker's interval. A daemon that is stopped and goes on keeps its connections: nothing else
// would tell. Asks for its health, which costs the daemon a few microseconds, while the breaker is
// open and calls are turned away; never two questions at a time.
//
//   Wanted() --pause--> question --ready-----------------> the breaker lets one call try
//                ^         |------not ready, no answer--+
//                +---------+------overloaded: pause x 2-+
//
// The call decides, not the health: if it fails, the daemon answers but is not well, and the next
// question of this outage comes after twice the pause. So a daemon that refuses everything gets
// fewer and fewer calls, as it does from the breaker alone. It stops by itself when the breaker is
// closed, or when no call was turned away for a while; then the next call is the breaker's own
// probe. Knows nothing of RPCs and has no thread. Thread-safe.
class RecoveryProbe {
 public:
  struct Options {
    absl::Duration pause = absl::Milliseconds(250);  // each time stretched or cut by up to 20 %
    absl::Duration pause_max = absl::Seconds(5);
    absl::Duration idle = absl::Seconds(10);
    uint64_t seed = 0;  // of the jitter
  };

  enum class Answer {
    kReady,
    kOverloaded,
    kNotReady,  // says so itself, or says nothing
  };

  // The ways to the outside; neither waits.
  struct Outside {
    std::function<void(absl::Duration delay, std::function<void()> task)> run_after;
    // `done` runs at most once, on any thread; never when the client is ending.
    std::function<void(std::function<void(Answer)> done)> ask;
  };

  // Borrows `breaker` and `clock`. What `outside` was given is not run after the end of this.
  RecoveryProbe(const Options& options, Breaker* breaker, const Clock* clock, Outside outside);

  // The breaker has opened, or has turned a call away.
  void Wanted();

 private:
  void Wake();
  void OnAnswer(Answer answer);

  // Constant after construction.
  const Options options_;
  Breaker* const breaker_;
  const Clock* const clock_;
  const Outside outside_;

  Mutex mutex_;
  bool running_ ABSL_GUARDED_BY(mutex_) = false;  // a pause or a question is under way
  int64_t wanted_at_ns_ ABSL_GUARDED_BY(mutex_) = 0;
  uint64_t outage_ ABSL_GUARDED_BY(mutex_) = 0;  // Breaker::opens() of the one that `pause_` is of
  absl::Duration pause_ ABSL_GUARDED_BY(mutex_);
  Jitter jitter_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife::client
