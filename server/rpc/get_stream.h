#pragma once

#include <grpcpp/grpcpp.h>

#include "server/rpc/block_reactor.h"

namespace halflife {

// One Get: all that the request asks for, at the pace at which its reader takes it.
class GetStream final : public BlockReactor<grpc::ServerWriteReactor<grpc::ByteBuffer>> {
 public:
  // Answers `request` on the returned reactor, which owns itself.
  static grpc::ServerWriteReactor<grpc::ByteBuffer>* Start(RpcEnvironmentRef environment,
                                                           grpc::CallbackServerContext* context,
                                                           const grpc::ByteBuffer& request);
  // Only for Start.
  GetStream(RpcEnvironmentRef environment, grpc::CallbackServerContext* context)
      : BlockReactor(std::move(environment), RpcMethod::kGet, context, Allowance()) {}

 private:
  absl::Status AdmitRequest(const grpc::ByteBuffer& request);
};

}  // namespace halflife
