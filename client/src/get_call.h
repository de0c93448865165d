#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "client/include/halflife/client.h"
#include "client/src/block_receiver.h"
#include "client/src/call.h"
#include "halflife/v1/cache.pb.h"

namespace halflife::client {

// One Get: a stream of frames, each copied into the caller's segments as it comes (one copy, and
// the checksum over it while it is in the cache).
class GetCall : public Call, public StreamRpc::Handler {
 public:
  using Done = std::function<void(GetResult)>;

  // Makes the first message of the stream. Returns: kInvalidArgument.
  using First = std::function<absl::StatusOr<grpc::ByteBuffer>(const v1::GetRequest&)>;

  GetCall(ClientCore& core, GetRequest request, std::shared_ptr<NamespaceState> ns, Done done);
  GetCall(ClientCore& core, GetRequest request, std::shared_ptr<NamespaceState> ns,
          const First& first, Done done);

 protected:
  // Of a FetchCall: what comes is the same.
  void Deliver(Outcome outcome) override;
  bool OnMessage(const grpc::ByteBuffer& message) override;
  void OnEnd(const grpc::Status& status) override;
  void StartRpc() override;
  // Starts another attempt: what has arrived is forgotten.
  void StartStream(const std::shared_ptr<StreamRpc>& stream, const std::string& method, bool last);

  // Empty if the request was not good.
  const std::vector<GetItem>& items() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex()) {
    return items_;
  }
  std::optional<BlockReceiver>& receiver() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex()) {
    return receiver_;
  }

 private:
  // Returns: kInvalidArgument with what is wrong in the request.
  absl::Status Prepare(const GetRequest& request, const NamespaceState* ns, const First& first);
  void EndViolated();

  grpc::ByteBuffer message_;  // the first
  std::vector<GetItem> items_ ABSL_GUARDED_BY(mutex());
  std::optional<BlockReceiver> receiver_ ABSL_GUARDED_BY(mutex());
  std::string error_;
  Done done_;
};

}  // namespace halflife::client
