#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "absl/time/time.h"
#include "client/include/halflife/client.h"
#include "client/src/breaker.h"
#include "client/src/budget_timer.h"
#include "client/src/namespaces.h"
#include "client/src/rpc.h"
#include "common/mutex.h"

namespace halflife::client {

class ClientCore;

// One call of the API: admission by the breaker, a budget, a namespace that is open, an RPC (a
// second one if the daemon had forgotten the namespace), and exactly one end.
//
// The rule about caller memory: whoever reads or writes memory of the caller (segments, items)
// holds mutex() and has seen that the call has not ended. The end is set under the same mutex,
// before the result is delivered. So when a blocking call has returned, or a callback runs, nobody
// touches that memory any more, though the RPC may still be on its way out. The mutex is held for
// one frame at a time (at most 2 MiB: about 0.3 ms), which bounds how long a budget can be overrun
// by it.
//
// Thread-safe. Owned by shared_ptr; the core keeps it while it is under way.
class Call : public std::enable_shared_from_this<Call> {
 public:
  struct Needs {
    absl::Duration budget;
    std::shared_ptr<NamespaceState> ns;  // null: none
    bool obeys_breaker = true;
    bool survives_shutdown = false;  // it is left to its (short) budget when the client ends
  };

  // Asks the breaker at once, so that a derived constructor builds no message for a call that will
  // not be made. Each call is begun, right after its construction.
  Call(ClientCore& core, Needs needs);
  virtual ~Call() = default;

  // Where the result is delivered when there is nothing to wait for: on this thread, or on one of
  // the library.
  enum class AtOnce { kHere, kOnLibraryThread };
  void Begin(AtOnce at_once);

  // The first caller's outcome counts: it is delivered before End returns to that caller.
  void End(Outcome outcome);

  // From NamespaceOpener. `serial` tells which opening it was.
  void OnNamespace(Outcome outcome, uint64_t serial);

  bool survives_shutdown() const { return needs_.survives_shutdown; }

  // Before Begin: its events may be handled by any thread that waits in a call, because they run no
  // code of the caller's.
  void LetAnybodyHandle() { for_anybody_ = true; }
  // Of the real clock; 0 for a call that is decided without an RPC. After Begin.
  int64_t deadline_ns() const { return deadline_ns_; }

 protected:
  // Starts the RPC from the beginning; called again after the namespace was reopened.
  virtual void StartRpc() = 0;
  // Builds the result and runs `done`. Once, without the mutex: the call has ended, so all its
  // state is this thread's.
  virtual void Deliver(Outcome outcome) = 0;

  // The outcome is known without asking the daemon: refused by the breaker, or said by
  // DecideAtOnce.
  bool is_decided() const { return decided_.has_value(); }
  // Wrong arguments, or nothing to do. From constructors only.
  void DecideAtOnce(Outcome outcome);

  // A new RPC of type R, claimed and known to End; null if the call has ended meanwhile (or ends
  // now, because the client does).
  template <typename R>
  std::shared_ptr<R> NewRpc() {
    if (!ClaimRpc()) return nullptr;
    auto rpc = std::make_shared<R>(loop(), TimeLeftNs());
    if (for_anybody_) rpc->LetAnybodyHandle();
    if (AttachRpc(rpc)) return rpc;
    loop().EndRpc();
    return nullptr;
  }

  // The RPC has ended with a status other than OK.
  void OnFailedRpc(const grpc::Status& status);
  // The RPC has ended: End needs not cancel it.
  void DetachRpc();

  // Outcome of a status, where a call reads one in its own way.
  virtual Outcome OutcomeOfStatus(const grpc::Status& status) const;

  ClientCore& core() { return core_; }
  const NamespaceState* ns() const { return needs_.ns.get(); }
  Mutex& mutex() ABSL_LOCK_RETURNED(mutex_) { return mutex_; }
  bool ended() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_) { return ended_; }

 private:
  void StartWithBudget();
  CompletionLoop& loop();
  int64_t TimeLeftNs() const;
  bool ClaimRpc();
  bool AttachRpc(std::shared_ptr<Rpc> rpc);
  std::optional<Outcome> Admit();

  ClientCore& core_;
  const Needs needs_;

  // Set by constructor, LetAnybodyHandle and Begin, before anything else can see the call.
  bool for_anybody_ = false;
  std::optional<Outcome> decided_;
  int64_t deadline_ns_ = 0;
  std::optional<Breaker::Pass> pass_;
  std::optional<BudgetTimer::Key> timer_key_;

  // Of the thread that drives the RPCs: first the caller's, then whoever handles their events.
  uint64_t namespace_serial_ = 0;
  int reopens_ = 0;

  Mutex mutex_;
  bool ended_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<Rpc> rpc_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife::client
