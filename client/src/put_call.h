#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "client/include/halflife/client.h"
#include "client/src/call.h"
#include "client/src/scatter.h"
#include "client/src/transfer_shape.h"
#include "common/hashing.h"
#include "halflife/v1/cache.pb.h"

namespace halflife::client {

// One Put: a header, then frames, one write at a time.
//
// Each frame is copied from the caller's segments into a slice of its own just before it is
// written. gRPC goes on reading what it was given after a call is cancelled, so slices over the
// caller's memory would break the promise that nobody touches it after the return. A block that
// is one frame is hashed while it is copied; a longer one is hashed before its first frame, which
// brings the checksum.
class PutCall final : public Call, public StreamRpc::Handler {
 public:
  using Done = std::function<void(PutResult)>;

  PutCall(ClientCore& core, PutRequest request, std::shared_ptr<NamespaceState> ns, Done done);

 private:
  // Where sending stands. Of the thread that drives the RPC.
  struct Position {
    size_t item = 0;
    uint64_t offset = 0;
  };

  // Returns: kInvalidArgument with what is wrong in the request.
  absl::Status Prepare(const PutRequest& request, const NamespaceState* ns);
  void StartRpc() override;
  void Deliver(Outcome outcome) override;
  void OnWritten() override;
  bool OnMessage(const grpc::ByteBuffer& message) override;
  void OnEnd(const grpc::Status& status) override;
  Outcome OutcomeOfStatus(const grpc::Status& status) const override;

  // For the item at position_.
  Xxh3Stream NewChecksum() const;
  // Checksum of the item at position_; nullopt if the call has ended meanwhile.
  std::optional<Digest128> ChecksumOfItem();
  // The next bytes of the item at position_, into `to` and into `checksum` unless it is null. False
  // if the call has ended meanwhile.
  bool CopyOut(absl::Span<uint8_t> to, Xxh3Stream* checksum);
  // The frame at position_, which moves on; nullopt if the call has ended meanwhile.
  std::optional<grpc::ByteBuffer> NextFrame();
  bool IsPlausible(const v1::PutResponse& response) const;
  void Settle(const v1::PutResponse& response) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex());

  grpc::ByteBuffer header_;  // the serialized first message
  std::optional<TransferShape> shape_;
  uint32_t group_ = 0;
  std::shared_ptr<StreamRpc> stream_;
  Position position_;
  bool answered_ = false;

  std::vector<PutItem> items_ ABSL_GUARDED_BY(mutex());
  ScatterCursor cursor_ ABSL_GUARDED_BY(mutex());
  std::string error_;
  Done done_;
};

}  // namespace halflife::client
