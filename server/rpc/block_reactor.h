#pragma once

#include <grpcpp/grpcpp.h>

#include "server/rpc/block_stream.h"

namespace halflife {

// A BlockStream as gRPC's reactor of one kind of call, which hands it its events and starts its
// operations. `Reactor` is grpc::ServerWriteReactor or grpc::ServerBidiReactor of byte buffers.
template <typename Reactor>
class BlockReactor : public Reactor, public BlockStream {
 public:
  void OnWriteDone(bool ok) final { WriteDone(ok); }
  void OnCancel() final { Cancelled(); }
  void OnDone() final { Done(); }

 protected:
  using BlockStream::BlockStream;

 private:
  void StartFrame(grpc::ByteBuffer* message) final { this->StartWrite(message); }
  void StartLastFrame(grpc::ByteBuffer* message) final {
    this->StartWriteAndFinish(message, grpc::WriteOptions(), grpc::Status::OK);
  }
  void FinishCall(const grpc::Status& status) final { this->Finish(status); }
};

}  // namespace halflife
