#pragma once

#include <grpcpp/support/byte_buffer.h>

#include <functional>
#include <memory>

#include "client/src/recovery_probe.h"
#include "client/src/rpc.h"
#include "common/mutex.h"

namespace halflife::client {

class ClientCore;

// grpc.health.v1.Health/Check of "readiness", by hand, because no Debian package has the generated
// classes for C++.
inline constexpr char kHealthMethod[] = "/grpc.health.v1.Health/Check";
grpc::ByteBuffer ReadinessRequest();
bool SaysServing(const grpc::ByteBuffer& response);

// What RecoveryProbe asks. Not a call of the API: it passes by breaker and counters of calls, and
// Drain does not wait for it. One question at a time. Thread-safe. Borrows the core.
class HealthQuestion {
 public:
  explicit HealthQuestion(ClientCore& core) : core_(core) {}

  // `done` runs once, on the completion thread; not at all when the client is ending. Without a
  // connection the answer is kNotReady at once.
  void Ask(std::function<void(RecoveryProbe::Answer)> done);
  // At the end of the client: cancels what is under way, and further ones are not asked.
  void Cancel();

 private:
  ClientCore& core_;

  Mutex mutex_;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  std::shared_ptr<Rpc> rpc_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace halflife::client
