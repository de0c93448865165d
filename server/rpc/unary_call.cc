#include "server/rpc/unary_call.h"

#include <utility>

#include "common/check.h"
#include "proto/wire/byte_buffer.h"
#include "proto/wire/grpc_status.h"

namespace halflife {

UnaryCall::UnaryCall(RpcEnvironmentRef environment, RpcMethod method,
                     grpc::CallbackServerContext* context, grpc::ByteBuffer* response)
    : environment_(std::move(environment)),
      under_way_(*environment_->calls.TryHold(0)),
      method_(method),
      context_(context),
      response_(response),
      reactor_(context->DefaultReactor()),
      started_ns_(environment_->clock.NowNanos()),
      deadline_ns_(environment_->DeadlineNanos(*context)) {
  environment_->counters.CountStart(method_);
}

UnaryCall::~UnaryCall() {
  if (!answered_) Fail(absl::UnavailableError("the daemon is shutting down"));
}

absl::Status UnaryCall::CheckWanted() const {
  if (context_->IsCancelled()) return absl::CancelledError("cancelled by the caller");
  if (environment_->clock.NowNanos() < deadline_ns_) return absl::OkStatus();
  environment_->counters.expired_calls.fetch_add(1, std::memory_order_relaxed);
  return DeadlineError();
}

void UnaryCall::Answer(const google::protobuf::MessageLite& response) {
  *response_ = SerializeMessage(response);
  Finish(absl::OkStatus());
}

void UnaryCall::Fail(const absl::Status& status) { Finish(status); }

void UnaryCall::Finish(const absl::Status& status) {
  HL_CHECK(!answered_);
  answered_ = true;
  // Counted before it is visible: whoever has the answer finds it in the counters.
  environment_->counters.CountEnd(method_, status.code(),
                                  environment_->clock.NowNanos() - started_ns_);
  reactor_->Finish(ToGrpcStatus(status));
}

}  // namespace halflife
