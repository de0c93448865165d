#pragma once

#include <grpcpp/grpcpp.h>

#include "server/rpc/block_stream.h"

namespace halflife {

// One Get: all that the request asks for, at the pace at which its reader takes it.
class GetStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer>, public BlockStream {
 public:
  // Answers `request` on the returned reactor, which owns itself.
  static grpc::ServerWriteReactor<grpc::ByteBuffer>* Start(RpcEnvironmentRef environment,
                                                           grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer& request);
  // Only for Start.
  GetStream(RpcEnvironmentRef environment, grpc::CallbackServerContext* context)
      : BlockStream(std::move(environment), RpcMethod::kGet, context, Allowance()) {}

  void OnWriteDone(bool ok) override { WriteDone(ok); }
  void OnCancel() override { Cancelled(); }
  void OnDone() override { Done(); }

 private:
  absl::Status AdmitRequest(const grpc::ByteBuffer& request);
  void StartFrame(grpc::ByteBuffer* message) override { StartWrite(message); }
  void StartLastFrame(grpc::ByteBuffer* message) override {
    StartWriteAndFinish(message, grpc::WriteOptions(), grpc::Status::OK);
  }
  void FinishCall(const grpc::Status& status) override { Finish(status); }
};

}  // namespace halflife
