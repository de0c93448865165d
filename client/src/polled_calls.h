#pragma once

#include <grpcpp/support/async_unary_call.h>

#include <chrono>
#include <deque>
#include <memory>

#include "client/src/shm_path.h"
#include "common/check.h"

namespace halflife::client {

// Unary RPCs of one visit, waited for one after the other. The caller's thread polls for their
// answers itself: an answer costs no hop between threads. They have no deadline of gRPC's, which
// would cost a timer each: whoever waits cancels them when the visit's budget is over. One thread
// at a time.
template <typename Response>
class PolledCalls {
 public:
  struct Answer {
    grpc::Status status;
    Response response;
  };

  // Borrows the visit.
  explicit PolledCalls(ShmPath::Visit& visit) : visit_(visit) {}
  // Cancels what is under way and waits for its end.
  ~PolledCalls() {
    for (const auto& call : calls_) call->context->TryCancel();
    while (!calls_.empty()) Wait();
  }

  // `ask(context, queue)` starts the RPC and returns its reader. False if the client is ending.
  template <typename Ask>
  bool Start(const Ask& ask) {
    auto call = std::make_unique<Call>();
    call->context = visit_.NewContext();
    if (call->context == nullptr) return false;
    call->reader = ask(call->context.get(), &visit_.queue());
    call->reader->Finish(&call->answer.response, &call->answer.status, call.get());
    calls_.push_back(std::move(call));
    return true;
  }

  size_t under_way() const { return calls_.size(); }

  // Of the oldest call. Requires: under_way() > 0.
  Answer Wait() {
    HL_CHECK(!calls_.empty());
    while (!calls_.front()->done) {
      void* const tag = NextEvent();
      static_cast<Call*>(tag)->done = true;
    }
    const std::unique_ptr<Call> call = std::move(calls_.front());
    calls_.pop_front();
    if (call->late && call->answer.status.error_code() == grpc::StatusCode::CANCELLED) {
      call->answer.status =
          grpc::Status(grpc::StatusCode::DEADLINE_EXCEEDED, "the call's budget is over");
    }
    return std::move(call->answer);
  }

 private:
  struct Call {
    std::shared_ptr<grpc::ClientContext> context;
    std::unique_ptr<grpc::ClientAsyncResponseReader<Response>> reader;
    Answer answer;
    bool late = false;
    bool done = false;
  };

  void* NextEvent() {
    void* tag = nullptr;
    bool ok = false;
    const auto deadline =
        std::chrono::system_clock::now() + std::chrono::nanoseconds(visit_.time_left_ns());
    using NextStatus = grpc::CompletionQueue::NextStatus;
    const NextStatus next = visit_.queue().AsyncNext(&tag, &ok, deadline);
    if (next == NextStatus::GOT_EVENT) return tag;
    HL_CHECK(next == NextStatus::TIMEOUT);  // nobody shuts a visit's queue down
    for (const auto& call : calls_) {
      call->late = true;
      call->context->TryCancel();
    }
    HL_CHECK(visit_.queue().Next(&tag, &ok));  // at once: a cancelled call ends here
    return tag;
  }

  ShmPath::Visit& visit_;
  std::deque<std::unique_ptr<Call>> calls_;
};

}  // namespace halflife::client
