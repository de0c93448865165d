#pragma once

#include <google/protobuf/message_lite.h>
#include <grpcpp/grpcpp.h>

#include <cstdint>

#include "absl/status/status.h"
#include "server/rpc/rpc_environment.h"

namespace halflife {

// A unary call under way: counts it, and answers it exactly once. If it is dropped unanswered (a
// task that never ran), it answers UNAVAILABLE, so that no call is left hanging. One thread at a
// time.
class UnaryCall {
 public:
  // `context` and `response` are gRPC's and live until the answer.
  UnaryCall(RpcEnvironmentRef environment, RpcMethod method, grpc::CallbackServerContext* context,
            grpc::ByteBuffer* response);
  ~UnaryCall();
  UnaryCall(const UnaryCall&) = delete;
  UnaryCall& operator=(const UnaryCall&) = delete;

  grpc::ServerUnaryReactor* reactor() const { return reactor_; }
  RpcEnvironment& environment() const { return *environment_; }

  // An error if nobody waits for the answer any more. Call it before work that was queued.
  absl::Status CheckWanted() const;

  void Answer(const google::protobuf::MessageLite& response);
  void Fail(const absl::Status& status);

 private:
  void Finish(const absl::Status& status);

  const RpcEnvironmentRef environment_;
  InFlight::Hold under_way_;
  const RpcMethod method_;
  grpc::CallbackServerContext* const context_;
  grpc::ByteBuffer* const response_;
  grpc::ServerUnaryReactor* const reactor_;
  const int64_t started_ns_;
  const int64_t deadline_ns_;
  bool answered_ = false;
};

}  // namespace halflife
