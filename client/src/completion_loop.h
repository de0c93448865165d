#pragma once

#include <grpcpp/completion_queue.h>

#include <atomic>
#include <cstdint>
#include <deque>

#include "absl/functional/function_ref.h"
#include "common/mutex.h"

namespace halflife::client {

// What a gRPC operation comes back to.
class CompletionTag {
 public:
  // `ok` as gRPC defines it for the operation.
  virtual void OnEvent(bool ok) = 0;
  // Whether any thread that waits in a call may handle it: it runs no code of the caller's, and
  // does not take long. Else it is left to the library's thread.
  virtual bool is_for_anybody() const { return false; }

  // The pointer that gRPC is given. Not `this` of a derived class, which may differ by its other
  // bases.
  void* tag() { return this; }

 protected:
  ~CompletionTag() = default;
};

// The completion queue of a client and its end. Whoever starts an RPC claims it first, so that
// nothing is started on a queue that is shut down (gRPC aborts on that). Thread-safe.
//
// One thread polls at a time, and it handles what it finds before it polls again: so events of
// calls that have a caller follow one another, and so do all others. It is a thread that waits in a
// blocking call if there is one: it then finds its answer without any other thread being woken,
// which is most of what a small call costs (README of bench/). Else it is the thread inside Run(),
// which also gets the events that callers must not handle. While there is nothing to wait for (no
// RPC under way, every channel connected) that thread only looks for events every kLookInterval: a
// thread inside gRPC cannot be asked to step aside, and gRPC has one poller for the whole process,
// so an idle client's thread would receive what a call of another client waits for, and wake it.
//
// Run() || (BeginRpc EndRpc)* || (BeginConnecting EndConnecting)* || (Caller Wait)* ;
// RefuseRpcs WaitForRpcs Shutdown
class CompletionLoop {
 public:
  // How late a lost connection, or a ping of the daemon's, is seen when no call is under way. The
  // daemon waits 5 s for the answer to its ping.
  static constexpr int64_t kLookIntervalNs = 100'000'000;

  // One blocking call, from before its RPC is started until its answer is there.
  class Caller {
   public:
    explicit Caller(CompletionLoop& loop);
    ~Caller();
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    // Handles events until SetEnded. At `deadline_ns` of the real clock it runs `cut`, once, which
    // ends the call: a caller who is awake needs no other thread to keep its budget.
    void Wait(int64_t deadline_ns, absl::FunctionRef<void()> cut);
    // Any thread, once. The caller may be gone as soon as it is called.
    void SetEnded();

   private:
    friend class CompletionLoop;
    CompletionLoop& loop_;
    CondVar wake_;  // with the loop's mutex
    std::atomic<bool> ended_{false};
  };

  // False once RPCs are refused. EndRpc on its last event, once per BeginRpc that returned true.
  [[nodiscard]] bool BeginRpc();
  void EndRpc();

  // A channel has no connection: gRPC gets on with it only while somebody polls.
  void BeginConnecting();
  void EndConnecting();

  // Thread body: returns when the queue is shut down and empty.
  void Run();

  void RefuseRpcs();
  // Returns when every claimed RPC has ended. RPCs that were not cancelled end at their deadline.
  void WaitForRpcs();
  void Shutdown() { queue_.Shutdown(); }

  grpc::CompletionQueue* queue() { return &queue_; }

 private:
  struct Event {
    CompletionTag* tag = nullptr;
    bool ok = false;
  };
  enum class Turn { kEnded, kPoll, kLook, kHandle, kLate };

  // Returns when the caller has ended, or may poll, or `deadline_ns` has come.
  Turn AwaitTurn(Caller& caller, int64_t deadline_ns);
  // Returns when the thread of Run may poll or look, or has been given an `event` to handle.
  Turn AwaitTurn(Event& event);
  bool HasToWaitLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Gives up the turn to poll: to the caller that has waited longest, if there is one.
  void StopPolling();
  void WakeNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Handles one event, or none until `deadline_ns`.
  void PollOnce(int64_t deadline_ns);
  void GiveToLibrary(Event event);
  // On the thread of Run: handles the next event, or the one that is there if it only `looks`.
  // False if the queue is shut down and empty.
  bool PollAsLibrary(bool looks);

  grpc::CompletionQueue queue_;

  Mutex mutex_;
  CondVar idle_;
  CondVar library_wake_;
  int rpcs_ ABSL_GUARDED_BY(mutex_) = 0;
  int connecting_ ABSL_GUARDED_BY(mutex_) = 0;
  bool refusing_ ABSL_GUARDED_BY(mutex_) = false;
  bool polling_ ABSL_GUARDED_BY(mutex_) = false;
  int callers_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<Caller*> sleeping_ ABSL_GUARDED_BY(mutex_);  // callers that do not poll
  std::deque<Event> given_ ABSL_GUARDED_BY(mutex_);       // to the thread of Run
  int64_t looks_next_ns_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife::client
