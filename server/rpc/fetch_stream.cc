#include "server/rpc/fetch_stream.h"

#include <utility>

#include "common/status.h"
#include "proto/wire/byte_buffer.h"

namespace halflife {

grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* FetchStream::Start(
    RpcEnvironmentRef environment, grpc::CallbackServerContext* context) {
  auto stream = std::make_shared<FetchStream>(std::move(environment), context);
  stream->KeepUntilDone();
  if (absl::Status ready = stream->CheckNotDraining(); !ready.ok()) {
    stream->Refuse(std::move(ready));
    return stream.get();
  }
  stream->BeWatched();
  stream->Pump();
  return stream.get();
}

void FetchStream::OnReadDone(bool ok) {
  {
    MutexLock lock(mutex_);
    heard_ = ok ? Heard::kMessage : Heard::kEnd;
  }
  Pump();
}

absl::Status FetchStream::Listen() {
  Heard heard = Heard::kNothing;
  {
    MutexLock lock(mutex_);
    heard = std::exchange(heard_, Heard::kNothing);
  }
  if (listening_ && heard == Heard::kNothing) return absl::OkStatus();
  if (heard == Heard::kEnd) {
    control_.Close();
    allowed_ = control_.allowed();
    if (plan_) return absl::OkStatus();
    return absl::InvalidArgumentError("the stream ended before its start");
  }
  if (heard == Heard::kMessage) {
    HL_RETURN_IF_ERROR(TakeMessage());
    allowed_ = control_.allowed();
  }
  if (allowed_.stopped) return absl::OkStatus();
  listening_ = true;
  received_.Clear();
  StartRead(&received_);
  return absl::OkStatus();
}

absl::Status FetchStream::TakeMessage() {
  v1::FetchRequest message;
  HL_RETURN_IF_ERROR(ParseMessage(received_, message));
  if (plan_) return control_.Take(message, spent_items_);
  if (!message.has_start()) {
    return absl::InvalidArgumentError("the first message must be a start");
  }
  return TakeStart(message.start());
}

absl::Status FetchStream::TakeStart(const v1::FetchStart& start) {
  HL_ASSIGN_OR_RETURN(GetPlan plan, MakeGetPlan(store(), start.get()));
  HL_RETURN_IF_ERROR(
      control_.Start(start, {.first_index = plan.first_index, .end_index = plan.end_index}));
  return Admit(std::move(plan));
}

}  // namespace halflife
