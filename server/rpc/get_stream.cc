#include "server/rpc/get_stream.h"

#include "common/status.h"
#include "proto/wire/byte_buffer.h"

namespace halflife {

grpc::ServerWriteReactor<grpc::ByteBuffer>* GetStream::Start(RpcEnvironmentRef environment,
                                                             grpc::CallbackServerContext* context,
                                                             const grpc::ByteBuffer& request) {
  auto stream = std::make_shared<GetStream>(std::move(environment), context);
  stream->KeepUntilDone();
  if (absl::Status admitted = stream->AdmitRequest(request); !admitted.ok()) {
    stream->Refuse(std::move(admitted));
    return stream.get();
  }
  stream->BeWatched();
  stream->Pump();
  return stream.get();
}

absl::Status GetStream::AdmitRequest(const grpc::ByteBuffer& request) {
  HL_RETURN_IF_ERROR(CheckNotDraining());
  v1::GetRequest message;
  HL_RETURN_IF_ERROR(ParseMessage(request, message));
  HL_ASSIGN_OR_RETURN(GetPlan plan, MakeGetPlan(store(), message));
  return Admit(std::move(plan));
}

}  // namespace halflife
