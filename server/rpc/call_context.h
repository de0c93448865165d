#pragma once

#include <grpcpp/server_context.h>

#include "common/mutex.h"

namespace halflife {

// gRPC's context of a streaming call, which may be cancelled from any thread as long as it lives:
// until the reactor's OnDone returns. Thread-safe.
class CallContext {
 public:
  explicit CallContext(grpc::CallbackServerContext* context) : context_(context) {}

  // Breaks the call off: pending reads and writes fail, and the reactor learns of it through
  // OnCancel.
  void Cancel() {
    // The one place that calls out under a lock: OnDone must not end, and with it the context,
    // before TryCancel has returned. TryCancel only queues the cancellation; no reaction runs on
    // this thread.
    MutexLock lock(mutex_);
    if (context_ != nullptr) context_->TryCancel();
  }

  // First thing in OnDone.
  void Close() {
    MutexLock lock(mutex_);
    context_ = nullptr;
  }

 private:
  Mutex mutex_;
  grpc::CallbackServerContext* context_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife
