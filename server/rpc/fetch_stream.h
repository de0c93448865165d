#pragma once

#include <grpcpp/grpcpp.h>

#include "common/mutex.h"
#include "server/rpc/block_reactor.h"
#include "server/rpc/fetch_control.h"

namespace halflife {

// One Fetch: sends what its caller has allowed so far, and nothing below the floor. It reads one
// message at a time, and heeds it with the next frame. A caller that allows nothing more holds no
// block and, after a while, no room; after the stall timeout it is told so.
class FetchStream final
    : public BlockReactor<grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>> {
 public:
  // Answers on the returned reactor, which owns itself.
  static grpc::ServerBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer>* Start(
      RpcEnvironmentRef environment, grpc::CallbackServerContext* context);
  // Only for Start.
  FetchStream(RpcEnvironmentRef environment, grpc::CallbackServerContext* context)
      : BlockReactor(std::move(environment), RpcMethod::kFetch, context, FetchControl().allowed()) {
  }

  void OnReadDone(bool ok) override;

 private:
  enum class Heard { kNothing, kMessage, kEnd };

  absl::Status Listen() override;
  absl::Status TakeMessage();
  absl::Status TakeStart(const v1::FetchStart& start);

  // Touched by steps only.
  FetchControl control_;
  grpc::ByteBuffer received_;  // being read
  bool listening_ = false;     // a read has been started

  Mutex mutex_;
  Heard heard_ ABSL_GUARDED_BY(mutex_) = Heard::kNothing;
};

}  // namespace halflife
