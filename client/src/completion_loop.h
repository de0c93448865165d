#pragma once

#include <grpcpp/completion_queue.h>

#include "common/mutex.h"

namespace halflife::client {

// What a gRPC operation comes back to.
class CompletionTag {
 public:
  // On the completion thread. `ok` as gRPC defines it for the operation.
  virtual void OnEvent(bool ok) = 0;

  // The pointer that gRPC is given. Not `this` of a derived class, which may differ by its other
  // bases.
  void* tag() { return this; }

 protected:
  ~CompletionTag() = default;
};

// The completion queue of a client and its end. One thread, the one inside Run(), handles every
// event; whoever starts an RPC claims it first, so that nothing is started on a queue that is shut
// down (gRPC aborts on that). Thread-safe.
//
// Run() || (BeginRpc EndRpc)* ; RefuseRpcs WaitForRpcs Shutdown
class CompletionLoop {
 public:
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
  grpc::CompletionQueue queue_;

  Mutex mutex_;
  CondVar idle_;
  int rpcs_ ABSL_GUARDED_BY(mutex_) = 0;
  bool refusing_ ABSL_GUARDED_BY(mutex_) = false;
};

}  // namespace halflife::client
