#pragma once

#include <grpcpp/completion_queue.h>

#include <atomic>
#include <cstdint>
#include <deque>

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
// which also gets the events that callers must not handle. That thread leaves the queue alone for
// kGrace after the last caller that polled: the next call is likely to come soon, and a thread
// inside gRPC cannot be asked to step aside.
//
// Run() || (BeginRpc EndRpc)* || (Caller Wait)* ; RefuseRpcs WaitForRpcs Shutdown
class CompletionLoop {
 public:
  static constexpr int64_t kGraceNs = 20'000'000;

  // One blocking call, from before its RPC is started until its answer is there.
  class Caller {
   public:
    explicit Caller(CompletionLoop& loop);
    ~Caller();
    Caller(const Caller&) = delete;
    Caller& operator=(const Caller&) = delete;

    // Handles events until SetEnded. After `deadline_ns` of the real clock SetEnded is near.
    void Wait(int64_t deadline_ns);
    // Any thread, once. The caller may be gone as soon as it is called.
    void SetEnded();

   private:
    friend class CompletionLoop;
    CompletionLoop& loop_;
    CondVar wake_;  // with the loop's mutex
    std::atomic<bool> ended_{false};
    bool polled_ = false;  // of the caller's thread
  };

  // False once RPCs are refused. EndRpc on its last event, once per BeginRpc that returned true.
  [[nodiscard]] bool BeginRpc();
  void EndRpc();

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
  enum class Turn { kEnded, kPoll, kHandle };

  // Returns when the caller has ended, or may poll.
  Turn AwaitTurn(Caller& caller);
  // Returns when the thread of Run may poll, or has been given an `event` to handle.
  Turn AwaitTurn(Event& event);
  bool MayRunPollLocked() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Gives up the turn to poll: to the caller that has waited longest, if there is one.
  void StopPolling();
  void WakeNextLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Handles one event, or none until `deadline_ns`.
  void PollOnce(int64_t deadline_ns);
  void GiveToLibrary(Event event);
  // On the thread of Run: handles the next event. False if the queue is shut down and empty.
  bool PollAsLibrary();

  grpc::CompletionQueue queue_;

  Mutex mutex_;
  CondVar idle_;
  CondVar library_wake_;
  int rpcs_ ABSL_GUARDED_BY(mutex_) = 0;
  bool refusing_ ABSL_GUARDED_BY(mutex_) = false;
  bool polling_ ABSL_GUARDED_BY(mutex_) = false;
  int callers_ ABSL_GUARDED_BY(mutex_) = 0;
  std::deque<Caller*> sleeping_ ABSL_GUARDED_BY(mutex_);  // callers that do not poll
  std::deque<Event> given_ ABSL_GUARDED_BY(mutex_);       // to the thread of Run
  // The thread of Run does not poll before, unless there is an RPC that no caller waits for.
  int64_t grace_until_ns_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace halflife::client
