#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <functional>
#include <memory>
#include <optional>

#include "absl/status/status.h"
#include "client/include/halflife/client.h"
#include "client/src/block_receiver.h"
#include "client/src/call.h"

namespace halflife::client {

// One Get: a stream of frames, each copied into the caller's segments as it comes (one copy, and
// the checksum over it while it is in the cache).
class GetCall final : public Call, public StreamRpc::Handler {
 public:
  using Done = std::function<void(GetResult)>;

  GetCall(ClientCore& core, GetRequest request, std::shared_ptr<NamespaceState> ns, Done done);

 private:
  // Returns: kInvalidArgument with what is wrong in the request.
  absl::Status Prepare(const GetRequest& request, const NamespaceState* ns);
  void StartRpc() override;
  void Deliver(Outcome outcome) override;
  bool OnMessage(const grpc::ByteBuffer& message) override;
  void OnEnd(const grpc::Status& status) override;
  void EndViolated();

  grpc::ByteBuffer message_;  // the serialized request
  std::vector<GetItem> items_ ABSL_GUARDED_BY(mutex());
  std::optional<BlockReceiver> receiver_ ABSL_GUARDED_BY(mutex());
  std::string error_;
  Done done_;
};

}  // namespace halflife::client
