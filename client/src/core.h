#pragma once

#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "client/include/halflife/client.h"
#include "client/src/breaker.h"
#include "client/src/budget_timer.h"
#include "client/src/channels.h"
#include "client/src/completion_loop.h"
#include "client/src/counters.h"
#include "client/src/frame_buffers.h"
#include "client/src/health_question.h"
#include "client/src/namespaces.h"
#include "client/src/recovery_probe.h"
#include "common/clock.h"
#include "common/executor.h"
#include "common/mutex.h"

namespace halflife::client {

class Call;
class ShmPath;

// What all calls of one client share: two threads (completions, budgets), the channels, the
// breaker, the counters and the list of calls under way. Built by Client::Open, ended by Shutdown.
// Thread-safe.
//
// In a process that was forked off after Open there are no threads and no connection: every call is
// a miss at once, and Shutdown does nothing.
class ClientCore : public std::enable_shared_from_this<ClientCore> {
 public:
  // `disabled`: every call is a miss at once, and nothing connects.
  ClientCore(const Options& options, bool disabled);
  virtual ~ClientCore() = default;

  void Start();
  // Ends every call, waits for what they started, stops the threads. Called once, not on a thread
  // of the library.
  void Shutdown();
  // Returns when no call is under way. Not on a thread of the library.
  void WaitForCalls();
  // True in a process that was forked off.
  bool forked() const;

  // Gives a lease back without waiting for the answer.
  void ReleaseLease(uint64_t lease_id);

  // False when the client is ending or forked: the call delivers at once.
  bool Register(const std::shared_ptr<Call>& call);
  void Forget(Call* call);
  // Options::max_calls are under way: a further one is a miss at once.
  bool full() const;
  // Nullopt, counted: the breaker is open, it is a miss at once.
  std::optional<Breaker::Pass> AskBreaker();
  void ReportToBreaker(const Breaker::Pass& pass, Outcome outcome);
  void CountEnd(Outcome outcome);
  Stats stats() const;

  const Options& options() const { return options_; }
  bool disabled() const { return disabled_; }
  const Clock& clock() const { return Clock::Real(); }
  Breaker& breaker() { return breaker_; }
  BudgetTimer& timer() { return timer_; }
  CompletionLoop& loop() { return loop_; }
  Counters& counters() { return counters_; }
  FrameBuffers& frame_buffers() { return *frame_buffers_; }
  NamespaceOpener& namespaces() { return namespaces_; }
  ShmPath& shm() { return *shm_; }
  // It is required and there is none: calls with payload are a miss at once.
  bool LacksSharedMemory() const;
  // Asynchronous calls with payload go through shared memory, if they can.
  bool GoesByWorkers() const;
  Connection& NextConnection() { return channels_->Next(); }
  // Changes whenever a connection comes up again: what was opened before may be forgotten.
  uint64_t connection_epoch() const { return connection_epoch_.load(std::memory_order_acquire); }

 private:
  class CloseTag;

  RecoveryProbe::Outside WaysOfRecovery();
  void OnConnected(bool again);
  void CloseQueue();

  // Constant after construction.
  const Options options_;
  const bool disabled_;
  const pid_t process_;

  Counters counters_;
  const std::shared_ptr<FrameBuffers> frame_buffers_ = std::make_shared<FrameBuffers>();
  Breaker breaker_;
  BudgetTimer timer_;
  CompletionLoop loop_;
  NamespaceOpener namespaces_;
  HealthQuestion health_;
  RecoveryProbe recovery_;
  std::shared_ptr<ShmPath> shm_;  // shared only because its type is incomplete here
  std::atomic<uint64_t> connection_epoch_{0};
  std::unique_ptr<Channels> channels_;
  std::unique_ptr<ThreadPool> threads_;

  mutable Mutex mutex_;
  CondVar quiet_;
  bool ending_ ABSL_GUARDED_BY(mutex_) = false;
  absl::flat_hash_map<Call*, std::shared_ptr<Call>> calls_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife::client
